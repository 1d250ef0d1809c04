-- Why a worker left a run that it could not serve as it was planned, until one takes it up: every process tells of it.
ALTER TABLE benchmark_runs ADD COLUMN left_why text;
