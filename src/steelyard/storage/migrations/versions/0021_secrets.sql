-- A provider a tenant has set for itself. `sealed` is its key, encrypted under the master key `key_id` and bound to this
-- tenant and name; NULL for a server that asks for none. `key_end` is what is shown of it.
CREATE TABLE tenant_providers (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('anthropic', 'openai', 'google')),
    base_url text,
    sealed bytea,
    key_id text,
    key_end text,
    key_set_at timestamptz,
    key_set_by text,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, name),
    CHECK (num_nulls(sealed, key_id, key_set_at, key_set_by) IN (0, 4))
);

-- The secret of a webhook as it is in `secret`, or encrypted in `sealed`: never both. `secret_at` is when it was made,
-- which encrypting it anew does not change.
ALTER TABLE webhooks
    ALTER COLUMN secret DROP NOT NULL,
    ADD COLUMN sealed bytea,
    ADD COLUMN key_id text,
    ADD COLUMN secret_at timestamptz,
    ADD CONSTRAINT webhooks_one_secret CHECK (num_nonnulls(secret, sealed) = 1) NOT VALID,
    ADD CONSTRAINT webhooks_sealed_by CHECK (num_nulls(sealed, key_id) IN (0, 2)) NOT VALID;

ALTER TABLE tenant_providers ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenant_providers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON tenant_providers
    USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON tenant_providers TO steelyard_app;

-- That there is another key is noted, and no key.
SELECT audit_table('tenant_providers', 'provider', name => 'name', keys => '{kind}', hosts => '{base_url}',
                   hidden => '{key_set_at}', verbs => '{"key_set_at": {"*": "renewed"}}');
SELECT audit_table('webhooks', 'webhook', hosts => '{url}', hidden => '{secret_at}',
                   verbs => '{"secret_at": {"*": "renewed"}}');
