-- Tenants, skills with versions and golden cases, benchmark runs with results and judgements, claims.
-- Every table leads its keys with tenant_id and stands under forced row-level security; foreign keys
-- between tenant tables are composite because constraint checks bypass row-level security.

CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog
    AS $$ SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid $$;

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE skills (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    source text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, name)
);

CREATE TABLE skill_versions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    digest text NOT NULL,
    prompt text NOT NULL,
    body text NOT NULL,
    frontmatter jsonb NOT NULL DEFAULT '{}',
    lint jsonb NOT NULL DEFAULT '[]',
    references_cut text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, skill_id, digest),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE skill_files (
    tenant_id uuid NOT NULL,
    skill_version_id uuid NOT NULL,
    path text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (tenant_id, skill_version_id, path),
    FOREIGN KEY (tenant_id, skill_version_id) REFERENCES skill_versions (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE golden_cases (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    case_key text NOT NULL,
    digest text NOT NULL,
    input text NOT NULL,
    expected_output text NOT NULL DEFAULT '',
    assertions jsonb NOT NULL DEFAULT '[]',
    checks jsonb NOT NULL DEFAULT '[]',
    files jsonb NOT NULL DEFAULT '{}',
    family text,
    case_set text,
    source text NOT NULL CHECK (source IN ('file', 'training_example', 'ad_hoc')),
    status text NOT NULL DEFAULT 'accepted' CHECK (status IN ('pending', 'accepted', 'rejected')),
    extra jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, skill_id, case_key, digest, source),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE benchmark_runs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    skill_version_id uuid NOT NULL,
    triggered_by text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    stop_cause text CHECK (stop_cause IN ('budget', 'cancelled', 'error')),
    partial boolean NOT NULL DEFAULT false,
    of_record boolean NOT NULL,
    models text[] NOT NULL,
    plan jsonb NOT NULL,
    plan_digest text NOT NULL,
    planned integer NOT NULL CHECK (planned > 0),
    seed bigint NOT NULL,
    fresh boolean NOT NULL DEFAULT false,
    budget_microcents bigint CHECK (budget_microcents >= 0),
    judge text,
    judge_digest text,
    spent_microcents bigint NOT NULL DEFAULT 0,
    judge_spent_microcents bigint NOT NULL DEFAULT 0,
    spent_is_lower_bound boolean NOT NULL DEFAULT false,
    verdict jsonb,
    best_model text,
    best_quality_score double precision,
    cheapest_model text,
    cheapest_cost_microcents bigint,
    error_message text,
    started_at timestamptz,
    completed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CHECK (judge_spent_microcents <= spent_microcents),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, skill_version_id) REFERENCES skill_versions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX benchmark_runs_by_time ON benchmark_runs (tenant_id, created_at DESC, id);
CREATE INDEX benchmark_runs_by_skill ON benchmark_runs (tenant_id, skill_id, created_at DESC);
CREATE INDEX benchmark_runs_unfinished ON benchmark_runs (tenant_id, plan_digest)
    WHERE status IN ('pending', 'running', 'cancelled', 'failed') OR partial;

CREATE TABLE benchmark_results (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    benchmark_run_id uuid NOT NULL,
    model_name text NOT NULL,
    model_provider text NOT NULL,
    arm text NOT NULL CHECK (arm IN ('with_skill', 'without_skill')),
    trial integer NOT NULL CHECK (trial >= 0),
    test_case_index integer NOT NULL CHECK (test_case_index >= 0),
    case_id uuid NOT NULL,
    cell_digest text NOT NULL,
    grading_digest text NOT NULL,
    state text NOT NULL CHECK (state IN ('answered', 'judged', 'failed')),
    attempt integer NOT NULL DEFAULT 1,
    reused_from uuid,
    input_used text NOT NULL,
    output_produced text,
    expected_output text NOT NULL DEFAULT '',
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    latency_ms double precision,
    ttft_ms double precision,
    stop_reason text,
    effective_settings jsonb NOT NULL DEFAULT '{}',
    estimated_cost_microcents bigint,
    wasted_cost_microcents bigint NOT NULL DEFAULT 0,
    price_version text,
    price_date date,
    judge_cost_microcents bigint NOT NULL DEFAULT 0,
    quality_score double precision CHECK (quality_score BETWEEN 0 AND 100),
    passed boolean,
    quality_notes text,
    matches_expected boolean,
    checks jsonb NOT NULL DEFAULT '[]',
    failure_kind text,
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    graded_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, benchmark_run_id, cell_digest),
    FOREIGN KEY (tenant_id, benchmark_run_id) REFERENCES benchmark_runs (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, case_id) REFERENCES golden_cases (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX benchmark_results_reusable ON benchmark_results (tenant_id, cell_digest, created_at DESC)
    WHERE output_produced IS NOT NULL;
CREATE INDEX benchmark_results_by_model ON benchmark_results (tenant_id, model_name, created_at DESC);

CREATE TABLE judgements (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    benchmark_result_id uuid NOT NULL,
    judge text NOT NULL,
    judge_digest text NOT NULL,
    grading_digest text NOT NULL,
    quality double precision NOT NULL CHECK (quality BETWEEN 0 AND 100),
    criteria jsonb NOT NULL,
    differences_from_expected text NOT NULL,
    matches_expected text NOT NULL CHECK (matches_expected IN ('yes', 'partial', 'no')),
    notes text NOT NULL,
    flags text[] NOT NULL DEFAULT '{}',
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    calls integer NOT NULL,
    cost_microcents bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, benchmark_result_id, judge_digest, grading_digest),
    FOREIGN KEY (tenant_id, benchmark_result_id) REFERENCES benchmark_results (tenant_id, id) ON DELETE CASCADE
);

-- A cell is claimed tenant-wide before its call. `worker_key` names a session-level advisory lock the
-- worker holds while it lives, so a claim of a killed worker is seen as dead at once; the lease
-- covers workers that are frozen or cut off.
CREATE TABLE cell_claims (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    claim_key text NOT NULL,
    benchmark_run_id uuid NOT NULL,
    worker_key bigint NOT NULL,
    lease_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, claim_key),
    FOREIGN KEY (tenant_id, benchmark_run_id) REFERENCES benchmark_runs (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX cell_claims_by_worker ON cell_claims (tenant_id, worker_key);

-- Each distinct set of cases a comparison was decided on is one look, and spends its share of the error rate.
CREATE TABLE looks (
    tenant_id uuid NOT NULL,
    skill_version_id uuid NOT NULL,
    comparison_digest text NOT NULL,
    cases_digest text NOT NULL,
    look integer NOT NULL CHECK (look >= 1),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, skill_version_id, comparison_digest, cases_digest),
    UNIQUE (tenant_id, skill_version_id, comparison_digest, look),
    FOREIGN KEY (tenant_id, skill_version_id) REFERENCES skill_versions (tenant_id, id) ON DELETE CASCADE
);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['skills', 'skill_versions', 'skill_files', 'golden_cases', 'benchmark_runs',
                             'benchmark_results', 'judgements', 'cell_claims', 'looks'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant_id = current_tenant()) '
                       'WITH CHECK (tenant_id = current_tenant())', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO steelyard_app', t);
    END LOOP;
END $$;

ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON tenants USING (id = current_tenant()) WITH CHECK (id = current_tenant());
GRANT SELECT, INSERT, UPDATE, DELETE ON tenants TO steelyard_app;
