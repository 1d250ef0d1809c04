-- Idempotency keys: which request somebody sent under a key, what it made (noted in the transaction that makes it), and
-- what was answered. `attempt` is the one process that may make it; another takes over what that one let lie.
CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    principal text NOT NULL,
    key text NOT NULL,
    digest text NOT NULL,
    attempt uuid NOT NULL,
    reserved_at timestamptz NOT NULL,
    made_id uuid,
    status smallint,
    body bytea,
    location text,
    PRIMARY KEY (tenant_id, principal, key),
    CHECK ((status IS NULL) = (body IS NULL))
);
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (tenant_id, reserved_at);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON idempotency_keys USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO steelyard_app;
