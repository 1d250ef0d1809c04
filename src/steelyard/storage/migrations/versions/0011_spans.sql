-- What is known of model calls that came as spans, by digests of trace and response or span: a call that was counted,
-- or (counted false) a span above such a call, whose own tokens would be the same ones again. Kept some days.
CREATE TABLE seen_spans (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    digest uuid NOT NULL,
    counted boolean NOT NULL,
    day date NOT NULL DEFAULT (now() AT TIME ZONE 'UTC')::date,
    PRIMARY KEY (tenant_id, digest)
);
CREATE INDEX seen_spans_by_day ON seen_spans (tenant_id, day);

ALTER TABLE seen_spans ENABLE ROW LEVEL SECURITY;
ALTER TABLE seen_spans FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON seen_spans USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON seen_spans TO steelyard_app;
