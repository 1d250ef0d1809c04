-- Uses of skills that are not here, as they were sent; a skill that is added under the name takes them over.
CREATE TABLE unmatched_uses (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    skill_name text NOT NULL,
    measured_at timestamptz NOT NULL,
    use jsonb NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX unmatched_uses_by_name ON unmatched_uses (tenant_id, skill_name);

ALTER TABLE unmatched_uses ENABLE ROW LEVEL SECURITY;
ALTER TABLE unmatched_uses FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON unmatched_uses USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON unmatched_uses TO steelyard_app;
