-- What a program sends with its requests. `secret_hash` is the SHA-256 of the whole key, which is shown once and kept
-- nowhere. `a_minute` is how many requests it may send in a minute, NULL for what every key may. `last_used_at` is written
-- at most once a minute. A key that was revoked stays, so that what it did has a name.
CREATE TABLE api_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['ingest', 'read', 'run', 'admin']),
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    a_minute integer CHECK (a_minute > 0),
    created_by text NOT NULL DEFAULT coalesce(nullif(current_setting('app.actor_name', true), ''), 'local'),
    created_by_kind text NOT NULL DEFAULT coalesce(nullif(current_setting('app.actor_kind', true), ''), 'local'),
    created_by_id uuid DEFAULT nullif(current_setting('app.actor_id', true), '')::uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
-- Without the tenant, which is what a hash is looked up for.
CREATE UNIQUE INDEX api_keys_by_hash ON api_keys (secret_hash);

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON api_keys USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO steelyard_app;

-- Asked before a tenant is known, and answers for one hash at a time: whoever has the key may know what it is of. The owner
-- is bound by forced policies too, so it has one of its own to read with; the application does not act as the owner.
CREATE POLICY key_lookup_reads ON api_keys FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION api_key_by_hash(hash bytea)
    RETURNS TABLE (tenant_id uuid, id uuid, name text, scopes text[], a_minute integer, state text, left_s float8)
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT k.tenant_id, k.id, k.name, k.scopes, k.a_minute,
           CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired' ELSE 'usable' END,
           extract(epoch FROM k.expires_at - now())::float8
      FROM api_keys k WHERE k.secret_hash = hash
$$;
DO $$
BEGIN
    -- The caller's search path must not decide what the owner's rights are used on.
    EXECUTE format('ALTER FUNCTION api_key_by_hash SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION api_key_by_hash FROM PUBLIC;
GRANT EXECUTE ON FUNCTION api_key_by_hash TO steelyard_app;

SELECT audit_table('api_keys', 'key', name => 'name', keys => '{name,scopes,a_minute,expires_at,revoked_at}',
                   hidden => '{secret_hash}', added => 'made', verbs => '{"revoked_at": {"*": "revoked"}}');
