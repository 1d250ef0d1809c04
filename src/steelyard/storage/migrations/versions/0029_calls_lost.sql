-- Calls that no money was held for were lost with their worker: what was spent in the month is then the least.
ALTER TABLE spend_months ADD COLUMN calls_lost boolean NOT NULL DEFAULT false;

-- Of what was spent before, when a call was lost is not known, nor whether it was that or a missing price: each month in
-- which something with money that is not known was under way. The owner is bound by forced policies too; see 0002.
ALTER TABLE spend_months NO FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tie_breaks NO FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_reviews NO FORCE ROW LEVEL SECURITY;
ALTER TABLE case_drafts NO FORCE ROW LEVEL SECURITY;
UPDATE spend_months m SET calls_lost = true
  FROM (SELECT tenant_id, created_at, completed_at FROM benchmark_runs WHERE spent_is_lower_bound
        UNION ALL SELECT tenant_id, created_at, completed_at FROM tie_breaks WHERE spent_is_lower_bound
        UNION ALL SELECT tenant_id, created_at, completed_at FROM skill_reviews WHERE cost_is_lower_bound
        UNION ALL SELECT tenant_id, created_at, completed_at FROM case_drafts WHERE cost_is_lower_bound) least
 WHERE m.tenant_id = least.tenant_id AND m.unknown_calls = 0
   AND m.month BETWEEN date_trunc('month', least.created_at AT TIME ZONE 'UTC')::date
                   AND date_trunc('month', coalesce(least.completed_at, now()) AT TIME ZONE 'UTC')::date;
ALTER TABLE spend_months FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE tie_breaks FORCE ROW LEVEL SECURITY;
ALTER TABLE skill_reviews FORCE ROW LEVEL SECURITY;
ALTER TABLE case_drafts FORCE ROW LEVEL SECURITY;
