-- Who started what is paid for, as the transaction that starts it says.
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['benchmark_runs', 'skill_reviews', 'tie_breaks', 'case_drafts'] LOOP
        EXECUTE format($f$
            ALTER TABLE %I
                ADD COLUMN started_by_kind text NOT NULL
                    DEFAULT coalesce(nullif(current_setting('app.actor_kind', true), ''), 'local')
                    CHECK (started_by_kind IN ('local', 'member', 'key', 'schedule')),
                ADD COLUMN started_by_id uuid DEFAULT nullif(current_setting('app.actor_id', true), '')::uuid,
                ADD COLUMN started_by_name text NOT NULL
                    DEFAULT coalesce(nullif(current_setting('app.actor_name', true), ''), 'local')$f$, t);
    END LOOP;
END $$;

ALTER TABLE benchmark_runs DROP CONSTRAINT benchmark_runs_stop_cause_check;
ALTER TABLE benchmark_runs ADD CONSTRAINT benchmark_runs_stop_cause_check
    CHECK (stop_cause IN ('budget', 'month_budget', 'cancelled', 'error', 'judge_refused'));

-- What a tenant may spend: in a UTC month, and by one run. `refuse_unpriced`: what has no known price is not called while
-- the month has a budget.
CREATE TABLE budgets (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    month_microcents bigint CHECK (month_microcents > 0),
    run_microcents bigint CHECK (run_microcents > 0),
    refuse_unpriced boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id)
);

-- What was spent in a month, by its first day. Whoever holds money for a call, or pays for one, locks the row.
CREATE TABLE spend_months (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    month date NOT NULL CHECK (month = date_trunc('month', month)::date),
    spent_microcents bigint NOT NULL DEFAULT 0,
    calls bigint NOT NULL DEFAULT 0,
    unknown_calls bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, month)
);

-- Money held for a call that is out: what it costs at most. Not renewed in time, its worker is gone, and the call may
-- have been paid for.
CREATE TABLE spend_holds (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    month date NOT NULL,
    worker uuid NOT NULL,
    microcents bigint NOT NULL CHECK (microcents >= 0),
    lease_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX spend_holds_by_month ON spend_holds (tenant_id, month);

-- A month's money by what it was spent on, for whom. It outlives the skill. `by_id` is all zeros where nobody has one.
CREATE TABLE spend (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    month date NOT NULL,
    skill_id uuid NOT NULL,
    kind text NOT NULL
        CHECK (kind IN ('answers', 'judging', 'examination', 'tie_breaks', 'reviews', 'drafts')),
    model text NOT NULL,
    by_kind text NOT NULL CHECK (by_kind IN ('local', 'member', 'key', 'schedule')),
    by_id uuid NOT NULL,
    by_name text NOT NULL,
    spent_microcents bigint NOT NULL,
    calls bigint NOT NULL,
    unknown_calls bigint NOT NULL,
    PRIMARY KEY (tenant_id, month, skill_id, kind, model, by_kind, by_id)
);

-- The owner is bound by forced policies too; see 0002.
ALTER TABLE benchmark_runs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_results NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tie_breaks NO FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_reviews NO FORCE ROW LEVEL SECURITY;
ALTER TABLE case_drafts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;

UPDATE benchmark_runs SET started_by_kind = 'schedule', started_by_name = 'schedule' WHERE triggered_by = 'schedule';

SELECT audit_table('budgets', 'budget', keys => '{month_microcents,run_microcents,refuse_unpriced}');

-- What was spent before, as far as the rows tell: of a jury what all its judges took, in their names together.
INSERT INTO spend
SELECT tenant_id, date_trunc('month', at AT TIME ZONE 'UTC')::date, skill_id, kind, model, by_kind,
       coalesce(by_id, '00000000-0000-0000-0000-000000000000'), max(by_name), sum(spent), sum(calls), sum(unknown)
  FROM (SELECT r.tenant_id, b.created_at AS at, r.skill_id, 'answers' AS kind, b.model_name AS model,
               r.started_by_kind AS by_kind, r.started_by_id AS by_id, r.started_by_name AS by_name,
               coalesce(b.estimated_cost_microcents, 0) + b.wasted_cost_microcents AS spent, 1 AS calls,
               (b.output_produced IS NOT NULL AND b.estimated_cost_microcents IS NULL)::int AS unknown
          FROM benchmark_results b
          JOIN benchmark_runs r ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id
         WHERE b.reused_from IS NULL AND (b.output_produced IS NOT NULL OR b.wasted_cost_microcents > 0)
        UNION ALL
        SELECT r.tenant_id, b.created_at, r.skill_id, 'answers', b.model_name, r.started_by_kind, r.started_by_id,
               r.started_by_name, b.wasted_cost_microcents, 1, 0
          FROM benchmark_results b
          JOIN benchmark_runs r ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id
         WHERE b.reused_from IS NOT NULL AND b.wasted_cost_microcents > 0
        UNION ALL
        SELECT r.tenant_id, coalesce(b.graded_at, b.created_at), r.skill_id, 'judging', coalesce(r.judge, ''),
               r.started_by_kind, r.started_by_id, r.started_by_name, b.judge_cost_microcents, 1, 0
          FROM benchmark_results b
          JOIN benchmark_runs r ON r.tenant_id = b.tenant_id AND r.id = b.benchmark_run_id
         WHERE b.judge_cost_microcents > 0
        UNION ALL
        SELECT tenant_id, coalesce(started_at, created_at), skill_id, 'examination', coalesce(judge, ''),
               started_by_kind, started_by_id, started_by_name, examined_microcents, examined_calls, 0
          FROM benchmark_runs WHERE examined_calls > 0
        UNION ALL
        SELECT t.tenant_id, coalesce(t.started_at, t.created_at), r.skill_id, 'tie_breaks', t.judge, t.started_by_kind,
               t.started_by_id, t.started_by_name, t.spent_microcents, t.calls, t.spent_is_lower_bound::int
          FROM tie_breaks t
          JOIN benchmark_runs r ON r.tenant_id = t.tenant_id AND r.id = t.benchmark_run_id
         WHERE t.calls > 0
        UNION ALL
        SELECT tenant_id, coalesce(started_at, created_at), skill_id, 'reviews', model, started_by_kind, started_by_id,
               started_by_name, cost_microcents, calls, cost_is_lower_bound::int
          FROM skill_reviews WHERE calls > 0
        UNION ALL
        SELECT tenant_id, coalesce(started_at, created_at), skill_id, 'drafts', model, started_by_kind, started_by_id,
               started_by_name, cost_microcents, calls, cost_is_lower_bound::int
          FROM case_drafts WHERE calls > 0) paid
 GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO spend_months
SELECT tenant_id, month, sum(spent_microcents), sum(calls), sum(unknown_calls) FROM spend GROUP BY 1, 2;
ANALYZE spend;

ALTER TABLE benchmark_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_results FORCE ROW LEVEL SECURITY;
ALTER TABLE tie_breaks FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_reviews FORCE ROW LEVEL SECURITY;
ALTER TABLE case_drafts FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['budgets', 'spend_months', 'spend_holds', 'spend'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant_id = (SELECT current_tenant())) '
                       'WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO steelyard_app', t);
    END LOOP;
END $$;
