ALTER TABLE golden_cases
    DROP CONSTRAINT golden_cases_source_check,
    ADD CONSTRAINT golden_cases_source_check
        CHECK (source IN ('file', 'training_example', 'written', 'drafted', 'production', 'disagreement', 'ad_hoc'));
CREATE INDEX golden_cases_waiting ON golden_cases (tenant_id, created_at, id)
    WHERE status = 'pending' AND retired_at IS NULL;

-- Every change of a golden case, kept for good: the application may add rows and read them, nothing else. The digests
-- are of the case's text; NULL where it was not, or is no longer, in use. `previous_case_id` is the row that an edited
-- case was before. A user's example that is rejected has no case: its row names the feedback. There is no row for what
-- happened before this table was.
CREATE TABLE case_changes (
    tenant_id uuid NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    skill_id uuid NOT NULL,
    case_id uuid,
    feedback_id uuid,
    previous_case_id uuid,
    case_key text NOT NULL,
    source text NOT NULL,
    change text NOT NULL
        CHECK (change IN ('proposed', 'added', 'edited', 'accepted', 'rejected', 'retired', 'restored')),
    who text NOT NULL,
    why text NOT NULL DEFAULT '',
    digest_before text,
    digest_after text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, seq),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, case_id) REFERENCES golden_cases (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, feedback_id) REFERENCES skill_feedback (tenant_id, id) ON DELETE CASCADE,
    CHECK ((case_id IS NULL) <> (feedback_id IS NULL))
);
CREATE INDEX case_changes_by_feedback ON case_changes (tenant_id, feedback_id, seq) WHERE feedback_id IS NOT NULL;
CREATE INDEX case_changes_by_skill ON case_changes (tenant_id, skill_id, seq DESC);
CREATE INDEX case_changes_by_case ON case_changes (tenant_id, case_id, seq);

-- Who decided on a user's example, and why.
ALTER TABLE skill_feedback ADD COLUMN decided_by text, ADD COLUMN decided_why text;
CREATE INDEX skill_feedback_waiting ON skill_feedback (tenant_id, created_at, id)
    WHERE status = 'new' AND example_input IS NOT NULL;
CREATE INDEX skill_feedback_of_case ON skill_feedback (tenant_id, golden_case_id) WHERE golden_case_id IS NOT NULL;

-- What was made of an output on which a person and the judge disagree: a case, or nothing, with the reason.
CREATE TABLE output_decisions (
    tenant_id uuid NOT NULL,
    benchmark_result_id uuid NOT NULL,
    golden_case_id uuid,
    who text NOT NULL,
    why text NOT NULL DEFAULT '',
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, benchmark_result_id),
    FOREIGN KEY (tenant_id, benchmark_result_id) REFERENCES benchmark_results (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, golden_case_id) REFERENCES golden_cases (tenant_id, id)
        ON DELETE SET NULL (golden_case_id)
);
CREATE INDEX output_ratings_far_out ON output_ratings (tenant_id, rated_at, benchmark_result_id)
    WHERE score <= 4 OR score >= 8;

-- `raw_reply` is what was paid for, committed before anything is made of it. `wanted` cases were asked for; of those in
-- the reply `kept` became pending cases, `doubles` say nearly what a case says already, `unusable` are none. `calling` is
-- set while a call is out: found set by the next worker, it was lost with the last and may have been paid for.
CREATE TABLE case_drafts (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    skill_version_id uuid NOT NULL,
    model text NOT NULL,
    protocol text NOT NULL,
    requested_by text NOT NULL,
    wanted integer NOT NULL CHECK (wanted > 0),
    budget_microcents bigint CHECK (budget_microcents >= 0),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'running', 'completed', 'failed')),
    calls integer NOT NULL DEFAULT 0,
    call_keys uuid[] NOT NULL DEFAULT '{}',
    raw_reply text,
    stop_reason text,
    kept integer NOT NULL DEFAULT 0,
    doubles integer NOT NULL DEFAULT 0,
    unusable integer NOT NULL DEFAULT 0,
    error_message text,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cost_microcents bigint NOT NULL DEFAULT 0,
    cost_is_lower_bound boolean NOT NULL DEFAULT false,
    calling boolean NOT NULL DEFAULT false,
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
ALTER TABLE skill_reviews ADD COLUMN calling boolean NOT NULL DEFAULT false;
CREATE INDEX case_drafts_by_time ON case_drafts (tenant_id, skill_id, created_at DESC, id);

-- A draft is a version that was never in use: `draft_of` is the version it changes, `draft_why` what it is to try. Its
-- runs are not of record; those that would be are marked, and count once the draft is made the current version.
ALTER TABLE skill_versions
    ADD COLUMN draft boolean NOT NULL DEFAULT false,
    ADD COLUMN draft_of uuid,
    ADD COLUMN draft_by text,
    ADD COLUMN draft_why text,
    ADD COLUMN discarded_at timestamptz;
ALTER TABLE benchmark_runs ADD COLUMN of_draft boolean NOT NULL DEFAULT false;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['case_changes', 'output_decisions', 'case_drafts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant_id = (SELECT current_tenant())) '
                       'WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO steelyard_app', t);
    END LOOP;
END $$;
GRANT UPDATE, DELETE ON output_decisions, case_drafts TO steelyard_app;
