-- One row for each rater and output. `score` is NULL where the rater was asked and passed the output over. `drawn`: the
-- output was asked for at random, by the run's own draw, which needs no table as it follows from the run. `blind`: the
-- rater saw neither the model's name nor any grade. The run is on the row too, so that a run's ratings are found without
-- its results.
CREATE TABLE output_ratings (
    tenant_id uuid NOT NULL,
    benchmark_result_id uuid NOT NULL,
    rater text NOT NULL CHECK (length(rater) BETWEEN 1 AND 80),
    benchmark_run_id uuid NOT NULL,
    score smallint CHECK (score BETWEEN 1 AND 10),
    note text NOT NULL DEFAULT '',
    drawn boolean NOT NULL,
    blind boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    rated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, benchmark_result_id, rater),
    CHECK (blind OR NOT drawn),
    CHECK (drawn OR score IS NOT NULL),
    FOREIGN KEY (tenant_id, benchmark_result_id) REFERENCES benchmark_results (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, benchmark_run_id) REFERENCES benchmark_runs (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX output_ratings_by_run ON output_ratings (tenant_id, benchmark_run_id, rater);

ALTER TABLE output_ratings ENABLE ROW LEVEL SECURITY;
ALTER TABLE output_ratings FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON output_ratings USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON output_ratings TO steelyard_app;
