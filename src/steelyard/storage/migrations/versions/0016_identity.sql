-- Of no tenant, since one user may belong to several. `email` is in lower case. Without `password_hash` a user cannot sign
-- in by password.
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email text NOT NULL UNIQUE CHECK (email = lower(email)),
    name text NOT NULL,
    password_hash text,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Of a token only its SHA-256 is kept. A session is for one tenant at a time; it ends with the tenant, with the user's
-- membership of it, after a while without use, and at `expires_at` in any case.
CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    id uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    device text NOT NULL DEFAULT '',
    address text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, seen_at DESC);
CREATE INDEX sessions_by_tenant ON sessions (tenant_id, user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Links that work once: to become the first admin of a tenant without members, or to set a forgotten password anew.
CREATE TABLE one_time_links (
    token_hash bytea PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('setup', 'reset')),
    tenant_id uuid REFERENCES tenants (id) ON DELETE CASCADE,
    user_id uuid REFERENCES users (id) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL,
    CHECK ((purpose = 'setup') = (tenant_id IS NOT NULL) AND (purpose = 'reset') = (user_id IS NOT NULL))
);
CREATE INDEX one_time_links_by_user ON one_time_links (user_id);
CREATE INDEX one_time_links_by_tenant ON one_time_links (tenant_id);

-- How often something was tried under a key (an account or an address, hashed) until `ends_at`, when counting begins anew.
CREATE TABLE tries (
    key text PRIMARY KEY,
    tries integer NOT NULL,
    ends_at timestamptz NOT NULL
);
CREATE INDEX tries_by_end ON tries (ends_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, one_time_links, tries TO steelyard_app;

CREATE TABLE memberships (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id);

-- Whoever has the token may join under that address. One that waits for an address takes the place of the one before.
CREATE TABLE invitations (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    email text NOT NULL CHECK (email = lower(email)),
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    token_hash bytea NOT NULL,
    invited_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE UNIQUE INDEX invitations_by_token ON invitations (token_hash);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['memberships', 'invitations'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant_id = (SELECT current_tenant())) '
                       'WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO steelyard_app', t);
    END LOOP;
    -- The owner is bound by forced policies too; the functions below read with its rights.
    FOREACH t IN ARRAY ARRAY['memberships', 'invitations', 'skill_reviews', 'tie_breaks', 'case_drafts'] LOOP
        EXECUTE format('CREATE POLICY owner_reads ON %I FOR SELECT TO CURRENT_USER USING (true)', t);
    END LOOP;
END $$;

-- Who a session's token belongs to, in which tenant and as what; no row once it has ended. Its use is noted by the minute.
CREATE FUNCTION signed_in(token bytea, at timestamptz, idle interval)
    RETURNS TABLE (session_id uuid, user_id uuid, name text, email text, tenant_id uuid, tenant_name text, role text,
                   tenants bigint) LANGUAGE sql VOLATILE SECURITY DEFINER AS $$
    WITH noted AS (
        UPDATE sessions SET seen_at = at
         WHERE token_hash = token AND seen_at < at - interval '1 minute' AND seen_at > at - idle AND expires_at > at)
    SELECT s.id, u.id, u.name, u.email, t.id, t.name, m.role,
           (SELECT count(*) FROM memberships o WHERE o.user_id = u.id)
      FROM sessions s JOIN users u ON u.id = s.user_id JOIN tenants t ON t.id = s.tenant_id
      JOIN memberships m ON m.tenant_id = s.tenant_id AND m.user_id = s.user_id
     WHERE s.token_hash = token AND s.seen_at > at - idle AND s.expires_at > at
$$;

-- The tenants one user belongs to.
CREATE FUNCTION tenants_of(of_user uuid)
    RETURNS TABLE (tenant_id uuid, name text, role text) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.id, t.name, m.role FROM memberships m JOIN tenants t ON t.id = m.tenant_id
     WHERE m.user_id = of_user ORDER BY lower(t.name), t.id
$$;

-- What an invitation's token is good for.
CREATE FUNCTION invitation_of(token bytea, at timestamptz)
    RETURNS TABLE (tenant_id uuid, tenant_name text, id uuid, email text, role text, invited_by text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.id, t.name, i.id, i.email, i.role, i.invited_by, i.expires_at
      FROM invitations i JOIN tenants t ON t.id = i.tenant_id WHERE i.token_hash = token AND i.expires_at > at
$$;

-- For whoever runs the server, who names tenants by name.
CREATE FUNCTION known_tenants()
    RETURNS TABLE (id uuid, name text, created_at timestamptz, members bigint)
    LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT t.id, t.name, t.created_at, (SELECT count(*) FROM memberships m WHERE m.tenant_id = t.id)
      FROM tenants t ORDER BY lower(t.name), t.id
$$;

-- Which tenants have paid jobs that have not ended: a worker that starts queues them again.
CREATE FUNCTION tenants_with_paid_jobs()
    RETURNS TABLE (tenant_id uuid) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT tenant_id FROM skill_reviews WHERE status IN ('pending', 'running')
    UNION SELECT tenant_id FROM tie_breaks WHERE status IN ('pending', 'running')
    UNION SELECT tenant_id FROM case_drafts WHERE status IN ('pending', 'running')
$$;

DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['signed_in(bytea, timestamptz, interval)', 'tenants_of(uuid)',
                             'invitation_of(bytea, timestamptz)', 'known_tenants()', 'tenants_with_paid_jobs()'] LOOP
        -- The caller's search path must not decide what the owner's rights are used on.
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO steelyard_app', f);
    END LOOP;
END $$;
