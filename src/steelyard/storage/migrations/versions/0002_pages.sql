-- Measurements with their daily rollup, feedback, suggestions and reviews; and what pages need of a skill at a glance,
-- kept on its row so that ten thousand skills are listed without a subquery each.

-- The owner is bound by forced policies too: they are lifted while rows of every tenant are filled in, and forced
-- again at the end of this same transaction.
ALTER TABLE skills NO FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE golden_cases NO FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs NO FORCE ROW LEVEL SECURITY;

ALTER TABLE golden_cases
    DROP CONSTRAINT golden_cases_source_check,
    ADD CONSTRAINT golden_cases_source_check CHECK (source IN ('file', 'training_example', 'written', 'ad_hoc')),
    ADD COLUMN author text,
    ADD COLUMN decided_at timestamptz;
CREATE INDEX golden_cases_by_skill ON golden_cases (tenant_id, skill_id, status);

-- What a run says in one line: the model its verdict is about, with that model's figures.
ALTER TABLE benchmark_runs
    ADD COLUMN verdict_kind text,
    ADD COLUMN headline_model text,
    ADD COLUMN headline_quality double precision,
    ADD COLUMN headline_quality_low double precision,
    ADD COLUMN headline_quality_high double precision,
    ADD COLUMN headline_cost_microcents bigint;

WITH named AS (
    SELECT tenant_id, id, verdict,
           coalesce(verdict -> 'models' ->> coalesce((verdict #>> '{statistics,best}')::int,
                                                     (verdict #>> '{statistics,leader}')::int), best_model) AS model
      FROM benchmark_runs WHERE verdict IS NOT NULL)
UPDATE benchmark_runs r
   SET verdict_kind = n.verdict #>> '{statistics,kind}',
       headline_model = s.summary ->> 'model',
       headline_quality = (s.summary ->> 'quality')::float8,
       headline_quality_low = (s.summary ->> 'quality_low')::float8,
       headline_quality_high = (s.summary ->> 'quality_high')::float8,
       headline_cost_microcents = (s.summary ->> 'avg_cost_microcents')::bigint
  FROM named n
  LEFT JOIN LATERAL (SELECT summary FROM jsonb_array_elements(n.verdict -> 'summaries') AS summary
                      WHERE summary ->> 'model' = n.model AND summary ->> 'arm' = n.verdict ->> 'arm'
                        AND summary ->> 'quality' IS NOT NULL LIMIT 1) s ON true
 WHERE r.tenant_id = n.tenant_id AND r.id = n.id;

CREATE INDEX benchmark_runs_of_record ON benchmark_runs (tenant_id, skill_id, completed_at DESC, id)
    WHERE of_record AND status = 'completed' AND headline_model IS NOT NULL;

ALTER TABLE skills
    ADD COLUMN current_version_id uuid,
    ADD COLUMN version_since timestamptz,
    ADD COLUMN accepted_cases integer NOT NULL DEFAULT 0,
    ADD COLUMN cases_digest text,
    ADD COLUMN cases_changed_at timestamptz,
    ADD COLUMN last_run_id uuid,
    ADD COLUMN last_run_version_id uuid,
    ADD COLUMN last_run_planned_at timestamptz,
    ADD COLUMN benchmarked_at timestamptz,
    ADD COLUMN verdict_kind text,
    ADD COLUMN best_model text,
    ADD COLUMN quality double precision,
    ADD COLUMN quality_low double precision,
    ADD COLUMN quality_high double precision,
    ADD COLUMN avg_cost_microcents bigint,
    ADD COLUMN feedback_total integer NOT NULL DEFAULT 0,
    ADD COLUMN feedback_positive integer NOT NULL DEFAULT 0,
    ADD COLUMN feedback_negative integer NOT NULL DEFAULT 0,
    ADD COLUMN feedback_positive_percent double precision
        GENERATED ALWAYS AS (100.0 * feedback_positive / nullif(feedback_positive + feedback_negative, 0)) STORED;

UPDATE skills s SET current_version_id = v.id, version_since = v.created_at
  FROM (SELECT DISTINCT ON (tenant_id, skill_id) tenant_id, skill_id, id, created_at
          FROM skill_versions ORDER BY tenant_id, skill_id, created_at DESC, id) v
 WHERE v.tenant_id = s.tenant_id AND v.skill_id = s.id;

UPDATE skills s SET accepted_cases = c.accepted, cases_digest = c.digest, cases_changed_at = c.changed_at
  FROM (SELECT tenant_id, skill_id, count(*) FILTER (WHERE retired_at IS NULL) AS accepted,
               md5(string_agg(id::text, ',' ORDER BY id) FILTER (WHERE retired_at IS NULL)) AS digest,
               max(greatest(created_at, retired_at)) AS changed_at
          FROM golden_cases WHERE status = 'accepted' AND source <> 'ad_hoc' GROUP BY tenant_id, skill_id) c
 WHERE c.tenant_id = s.tenant_id AND c.skill_id = s.id;

UPDATE skills s
   SET last_run_id = r.id, last_run_version_id = r.skill_version_id, last_run_planned_at = r.created_at,
       benchmarked_at = r.completed_at, verdict_kind = r.verdict_kind, best_model = r.headline_model,
       quality = r.headline_quality, quality_low = r.headline_quality_low, quality_high = r.headline_quality_high,
       avg_cost_microcents = r.headline_cost_microcents
  FROM (SELECT DISTINCT ON (tenant_id, skill_id) * FROM benchmark_runs
         WHERE of_record AND status = 'completed' AND headline_model IS NOT NULL
         ORDER BY tenant_id, skill_id, completed_at DESC, id) r
 WHERE r.tenant_id = s.tenant_id AND r.skill_id = s.id;

ALTER TABLE skills
    ADD FOREIGN KEY (tenant_id, current_version_id) REFERENCES skill_versions (tenant_id, id),
    ADD FOREIGN KEY (tenant_id, last_run_id) REFERENCES benchmark_runs (tenant_id, id);
-- The list of skills is sorted from this index alone, by any of its columns.
CREATE INDEX skills_to_sort ON skills (tenant_id, id)
    INCLUDE (name, quality, avg_cost_microcents, feedback_positive_percent, benchmarked_at);

ALTER TABLE skills FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE golden_cases FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs FORCE ROW LEVEL SECURITY;

-- Asked as a subquery the tenant is found once for a statement, not once for each row.
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['skills', 'skill_versions', 'skill_files', 'golden_cases', 'benchmark_runs',
                             'benchmark_results', 'judgements', 'cell_claims', 'looks'] LOOP
        EXECUTE format('ALTER POLICY tenant_only ON %I USING (tenant_id = (SELECT current_tenant())) '
                       'WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
    END LOOP;
END $$;
ALTER POLICY tenant_only ON tenants USING (id = (SELECT current_tenant())) WITH CHECK (id = (SELECT current_tenant()));

-- A case in a run is a few rows among many.
CREATE INDEX benchmark_results_by_case ON benchmark_results (tenant_id, benchmark_run_id, test_case_index);

CREATE TABLE token_measurements (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    skill_version_id uuid,
    measured_at timestamptz NOT NULL,
    model_name text NOT NULL,
    model_provider text NOT NULL,
    input_tokens bigint NOT NULL CHECK (input_tokens >= 0),
    output_tokens bigint NOT NULL CHECK (output_tokens >= 0),
    total_tokens bigint NOT NULL CHECK (total_tokens >= 0),
    cache_read_tokens bigint NOT NULL DEFAULT 0 CHECK (cache_read_tokens >= 0),
    cache_write_tokens bigint NOT NULL DEFAULT 0 CHECK (cache_write_tokens >= 0),
    reasoning_tokens bigint NOT NULL DEFAULT 0 CHECK (reasoning_tokens >= 0),
    cost_microcents bigint CHECK (cost_microcents >= 0),
    price_version text,
    price_date date,
    latency_ms double precision CHECK (latency_ms >= 0),
    source text NOT NULL,
    PRIMARY KEY (tenant_id, id, measured_at),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, skill_version_id) REFERENCES skill_versions (tenant_id, id)
        ON DELETE SET NULL (skill_version_id)
) PARTITION BY RANGE (measured_at);
CREATE INDEX token_measurements_by_skill ON token_measurements (tenant_id, skill_id, measured_at DESC);
CREATE INDEX token_measurements_by_version ON token_measurements (tenant_id, skill_version_id)
    WHERE skill_version_id IS NOT NULL;

-- One row per skill, UTC day and model: everything a page asks of the past. `latency_uses` counts the uses whose
-- latency is known, `cost_unknown` those whose cost is not.
CREATE TABLE measurement_daily (
    tenant_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    day date NOT NULL,
    model_name text NOT NULL,
    uses bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_microcents bigint NOT NULL,
    cost_unknown bigint NOT NULL,
    latency_ms_sum double precision NOT NULL,
    latency_uses bigint NOT NULL,
    PRIMARY KEY (tenant_id, skill_id, day, model_name),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE skill_feedback (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    skill_version_id uuid,
    feedback_type text NOT NULL CHECK (feedback_type IN ('thumb_up', 'thumb_down', 'rating', 'training_example')),
    quality_score integer CHECK (quality_score BETWEEN 1 AND 10),
    comment text,
    example_input text,
    example_output text,
    expected_output text,
    author text,
    model_name text,
    status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'accepted', 'rejected')),
    golden_case_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK (feedback_type <> 'rating' OR quality_score IS NOT NULL),
    CHECK (feedback_type <> 'training_example' OR example_input IS NOT NULL),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, skill_version_id) REFERENCES skill_versions (tenant_id, id)
        ON DELETE SET NULL (skill_version_id),
    FOREIGN KEY (tenant_id, golden_case_id) REFERENCES golden_cases (tenant_id, id) ON DELETE SET NULL (golden_case_id)
);
CREATE INDEX skill_feedback_by_time ON skill_feedback (tenant_id, skill_id, created_at DESC, id)
    INCLUDE (feedback_type, quality_score, status);

CREATE TABLE suggestions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    title text NOT NULL,
    body text NOT NULL DEFAULT '',
    author text,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'declined')),
    created_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX suggestions_by_time ON suggestions (tenant_id, skill_id, created_at DESC, id) INCLUDE (status);

-- `raw_reply` is what was paid for, committed before anything is made of it; the columns after it are read from it.
CREATE TABLE skill_reviews (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    skill_version_id uuid NOT NULL,
    model text NOT NULL,
    protocol text NOT NULL,
    requested_by text,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    calls integer NOT NULL DEFAULT 0,
    raw_reply text,
    stop_reason text,
    summary text,
    scores jsonb NOT NULL DEFAULT '[]',
    strengths jsonb NOT NULL DEFAULT '[]',
    risks jsonb NOT NULL DEFAULT '[]',
    edits jsonb NOT NULL DEFAULT '[]',
    error_message text,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_microcents bigint NOT NULL DEFAULT 0,
    cost_is_lower_bound boolean NOT NULL DEFAULT false,
    price_version text,
    price_date date,
    latency_ms double precision,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, skill_version_id) REFERENCES skill_versions (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX skill_reviews_by_time ON skill_reviews (tenant_id, skill_id, created_at DESC, id);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['token_measurements', 'measurement_daily', 'skill_feedback', 'suggestions',
                             'skill_reviews'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant_id = (SELECT current_tenant())) '
                       'WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO steelyard_app', t);
    END LOOP;
END $$;

-- Partitions need the owner's rights. They get policies of their own and no grants: the application reaches them
-- through their parent alone. Attached, not created in place, so that no reader waits.
CREATE FUNCTION ensure_measurement_partitions(first_month date, last_month date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    month date := date_trunc('month', first_month)::date;
    name text;
    made integer := 0;
BEGIN
    IF first_month < (now() - interval '11 years')::date OR last_month > (now() + interval '4 months')::date
       OR first_month > last_month THEN
        RAISE EXCEPTION 'months % to % are out of range', first_month, last_month
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('token_measurements', 0));
    WHILE month <= last_month LOOP
        name := 'token_measurements_' || to_char(month, 'YYYY_MM');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I (LIKE token_measurements INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
            EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
            EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant_id = (SELECT current_tenant())) '
                           'WITH CHECK (tenant_id = (SELECT current_tenant()))', name);
            EXECUTE format('ALTER TABLE token_measurements ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
                           month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
            made := made + 1;
        END IF;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$;

DO $$
BEGIN
    -- The caller's search path must not decide what the owner's rights are used on.
    EXECUTE format('ALTER FUNCTION ensure_measurement_partitions SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION ensure_measurement_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_measurement_partitions TO steelyard_app;

SELECT ensure_measurement_partitions((now() AT TIME ZONE 'UTC')::date,
                                     ((now() AT TIME ZONE 'UTC') + interval '2 months')::date);
