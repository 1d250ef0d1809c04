-- How old the answers of a benchmark are, by which limit it is too old, and whether its judge was the default one.
ALTER TABLE tenants ADD COLUMN stale_after_days integer CHECK (stale_after_days BETWEEN 1 AND 36500);
ALTER TABLE skills
    ADD COLUMN stale_after_days integer CHECK (stale_after_days BETWEEN 1 AND 36500),
    ADD COLUMN answers_since timestamptz,
    ADD COLUMN last_run_cases_digest text,
    ADD COLUMN noticed jsonb NOT NULL DEFAULT '{}';
ALTER TABLE benchmark_runs
    ADD COLUMN answers_since timestamptz,
    ADD COLUMN judge_by_default boolean NOT NULL DEFAULT false;
-- When a reused answer was given first; NULL for one that was called for in its own run, which is as old as its row.
ALTER TABLE benchmark_results ADD COLUMN answered_at timestamptz;

-- The owner is bound by forced policies too: they are lifted while rows of every tenant are filled in.
ALTER TABLE skills NO FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_results NO FORCE ROW LEVEL SECURITY;

-- A reused answer may have been reused by the run it was taken from. Where the first one is gone, the oldest copy tells.
WITH RECURSIVE chain AS (
    SELECT tenant_id, id, reused_from, created_at FROM benchmark_results WHERE reused_from IS NOT NULL
     UNION ALL
    SELECT c.tenant_id, c.id, b.reused_from, b.created_at
      FROM chain c JOIN benchmark_results b ON b.tenant_id = c.tenant_id AND b.id = c.reused_from)
UPDATE benchmark_results b SET answered_at = first.at
  FROM (SELECT tenant_id, id, min(created_at) AS at FROM chain GROUP BY tenant_id, id) first
 WHERE b.tenant_id = first.tenant_id AND b.id = first.id;

UPDATE benchmark_runs r SET answers_since = a.at
  FROM (SELECT tenant_id, benchmark_run_id, min(coalesce(answered_at, created_at)) AS at
          FROM benchmark_results WHERE state <> 'failed' OR output_produced IS NOT NULL GROUP BY 1, 2) a
 WHERE a.tenant_id = r.tenant_id AND a.benchmark_run_id = r.id AND r.verdict IS NOT NULL;

UPDATE skills s
   SET answers_since = r.answers_since,
       last_run_cases_digest = (SELECT md5(string_agg(case_id, ',' ORDER BY case_id::uuid))
                                  FROM jsonb_array_elements_text(r.plan -> 'case_ids') AS case_id)
  FROM benchmark_runs r
 WHERE r.tenant_id = s.tenant_id AND r.id = s.last_run_id;

ALTER TABLE skills FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_results FORCE ROW LEVEL SECURITY;
