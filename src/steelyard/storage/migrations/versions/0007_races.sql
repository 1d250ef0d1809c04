-- How a race stands, as its last look found it: what pages show of it. The looks themselves rest on the stored cells.
ALTER TABLE benchmark_runs ADD COLUMN race jsonb;

-- A run that is taken up again calls once more for what an outage left out, and judges again where its judge failed.
-- Until then such a cell has its failure from before and has not come to its end in the run as it goes on.
ALTER TABLE benchmark_results ADD COLUMN again boolean NOT NULL DEFAULT false;
