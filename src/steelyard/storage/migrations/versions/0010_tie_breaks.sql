-- A tied run taken up again pair by pair. `models` are the tied set it is about, `gate` what its judge made of junk beside
-- golden outputs, `result` what came of it. Its money is its own and no part of the run's. `calling` is set while a worker
-- has calls out: found set by the next one, they were lost with the worker and may have been paid for.
CREATE TABLE tie_breaks (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    benchmark_run_id uuid NOT NULL,
    models text[] NOT NULL,
    judge text NOT NULL,
    judge_digest text NOT NULL,
    requested_by text,
    status text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'stopped', 'cancelled', 'refused', 'failed')),
    budget_microcents bigint,
    planned integer,
    done integer NOT NULL DEFAULT 0,
    calls integer NOT NULL DEFAULT 0,
    spent_microcents bigint NOT NULL DEFAULT 0,
    spent_is_lower_bound boolean NOT NULL DEFAULT false,
    calling boolean NOT NULL DEFAULT false,
    price_version text,
    price_date date,
    gate jsonb,
    result jsonb,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, benchmark_run_id) REFERENCES benchmark_runs (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX tie_breaks_by_run ON tie_breaks (tenant_id, benchmark_run_id, created_at);
CREATE INDEX tie_breaks_open ON tie_breaks (tenant_id, created_at) WHERE status IN ('pending', 'running');

-- One comparison of two outputs in one order, kept under what the judge is shown: no model is part of it. `replies` are
-- those of the comparison under way or made last, as they came; a call that gave none is counted in `calls`.
CREATE TABLE pair_comparisons (
    tenant_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    judge_digest text NOT NULL,
    comparison_digest text NOT NULL,
    judge text NOT NULL,
    replies jsonb NOT NULL DEFAULT '[]',
    preference text CHECK (preference IN ('first', 'second', 'neither')),
    failure text,
    compared_at timestamptz,
    calls integer NOT NULL DEFAULT 0,
    call_keys uuid[] NOT NULL DEFAULT '{}',
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_microcents bigint NOT NULL DEFAULT 0,
    cost_is_lower_bound boolean NOT NULL DEFAULT false,
    price_version text,
    price_date date,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, skill_id, judge_digest, comparison_digest),
    CHECK ((compared_at IS NULL) = (preference IS NULL)),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);

ALTER TABLE tie_breaks ENABLE ROW LEVEL SECURITY;
ALTER TABLE tie_breaks FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON tie_breaks USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON tie_breaks TO steelyard_app;

ALTER TABLE pair_comparisons ENABLE ROW LEVEL SECURITY;
ALTER TABLE pair_comparisons FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON pair_comparisons USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON pair_comparisons TO steelyard_app;

-- How far the examination of each of the run's judges is while it goes on, by digest: outputs, done.
ALTER TABLE benchmark_runs ADD COLUMN examining jsonb;
