-- Whether a judge may have taken more than is known: a candidate without a price leaves what the judge took exact.
ALTER TABLE benchmark_runs ADD COLUMN judge_spent_is_lower_bound boolean NOT NULL DEFAULT false;

-- Of runs before, which of their money is not known cannot be told. The owner is bound by forced policies too; see 0002.
ALTER TABLE benchmark_runs NO FORCE ROW LEVEL SECURITY;
UPDATE benchmark_runs SET judge_spent_is_lower_bound = true
 WHERE spent_is_lower_bound AND judge IS NOT NULL AND (judge_spent_microcents > 0 OR examined_calls > 0);
ALTER TABLE benchmark_runs FORCE ROW LEVEL SECURITY;
