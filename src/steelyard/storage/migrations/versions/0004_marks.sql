-- How far each worker's writes have come: a worker that lost its line at a commit asks here whether it came through.
-- A transaction's own id cannot tell: one whose log was lost with its server is given out again after the restart.
CREATE TABLE worker_marks (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    worker_key bigint NOT NULL,
    mark bigint NOT NULL CHECK (mark >= 1),
    marked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, worker_key)
);

ALTER TABLE worker_marks ENABLE ROW LEVEL SECURITY;
ALTER TABLE worker_marks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON worker_marks USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON worker_marks TO steelyard_app;

-- The calls a review has counted, by a key each: the same question, where a call is a row's only other trace.
ALTER TABLE skill_reviews ADD COLUMN call_keys uuid[] NOT NULL DEFAULT '{}';
