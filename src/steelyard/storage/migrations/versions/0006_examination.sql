-- A judge's grades of canaries. They quote the skill's golden cases, and so go with the skill.
-- `replies` are those of the grading under way or made last, as they came; a call that gave none is counted in `calls`.
-- `failure` says why the last grading came to nothing; the next one begins anew.
CREATE TABLE judge_canaries (
    tenant_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    judge_digest text NOT NULL,
    canary_digest text NOT NULL,
    kind text NOT NULL,
    judge text NOT NULL,
    replies jsonb NOT NULL DEFAULT '[]',
    replied_at timestamptz,
    quality double precision CHECK (quality BETWEEN 0 AND 100),
    matches_expected text CHECK (matches_expected IN ('yes', 'partial', 'no')),
    failure text,
    graded_at timestamptz,
    calls integer NOT NULL DEFAULT 0,
    call_keys uuid[] NOT NULL DEFAULT '{}',
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_microcents bigint NOT NULL DEFAULT 0,
    cost_is_lower_bound boolean NOT NULL DEFAULT false,
    price_version text,
    price_date date,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, skill_id, judge_digest, canary_digest),
    CHECK ((graded_at IS NULL) = (quality IS NULL)),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);

ALTER TABLE judge_canaries ENABLE ROW LEVEL SECURITY;
ALTER TABLE judge_canaries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON judge_canaries USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON judge_canaries TO steelyard_app;

-- `examined_microcents` is part of `judge_spent_microcents`. `examination` is what the run's judge was found to be.
ALTER TABLE benchmark_runs
    ADD COLUMN accept_judge boolean NOT NULL DEFAULT false,
    ADD COLUMN examination jsonb,
    ADD COLUMN examined_calls integer NOT NULL DEFAULT 0,
    ADD COLUMN examined_microcents bigint NOT NULL DEFAULT 0;
ALTER TABLE benchmark_runs DROP CONSTRAINT benchmark_runs_stop_cause_check;
ALTER TABLE benchmark_runs ADD CONSTRAINT benchmark_runs_stop_cause_check
    CHECK (stop_cause IN ('budget', 'cancelled', 'error', 'judge_refused'));
