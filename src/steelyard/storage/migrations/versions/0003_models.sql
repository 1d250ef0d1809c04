-- One row for each model and arm of a concluded run. `compared`: the arm its verdict is about. `stands`: of all completed
-- runs of record of the skill that have the model, this one was completed last.
CREATE TABLE run_models (
    tenant_id uuid NOT NULL,
    benchmark_run_id uuid NOT NULL,
    model_name text NOT NULL,
    arm text NOT NULL CHECK (arm IN ('with_skill', 'without_skill')),
    skill_id uuid NOT NULL,
    compared boolean NOT NULL,
    stands boolean NOT NULL DEFAULT false CHECK (compared OR NOT stands),
    cells integer NOT NULL CHECK (cells >= 0),
    n integer NOT NULL CHECK (n >= 0),
    quality double precision CHECK (quality BETWEEN 0 AND 100),
    PRIMARY KEY (tenant_id, benchmark_run_id, model_name, arm),
    FOREIGN KEY (tenant_id, benchmark_run_id) REFERENCES benchmark_runs (tenant_id, id) ON DELETE CASCADE
);

-- The owner is bound by forced policies too: they are lifted while rows of every tenant are filled in.
ALTER TABLE skill_versions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs NO FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_results NO FORCE ROW LEVEL SECURITY;

INSERT INTO run_models (tenant_id, benchmark_run_id, model_name, arm, skill_id, compared, cells, n, quality)
SELECT r.tenant_id, r.id, one ->> 'model', one ->> 'arm', r.skill_id, one ->> 'arm' = r.verdict ->> 'arm',
       coalesce(c.cells, 0), (one ->> 'n')::int, (one ->> 'quality')::float8
  FROM benchmark_runs r
 CROSS JOIN LATERAL jsonb_array_elements(r.verdict -> 'summaries') AS one
  LEFT JOIN (SELECT tenant_id, benchmark_run_id, model_name, arm, count(*)::int AS cells
               FROM benchmark_results GROUP BY 1, 2, 3, 4) c
         ON c.tenant_id = r.tenant_id AND c.benchmark_run_id = r.id
        AND c.model_name = one ->> 'model' AND c.arm = one ->> 'arm'
 WHERE r.verdict IS NOT NULL;

UPDATE run_models m SET stands = true
  FROM (SELECT DISTINCT ON (m.tenant_id, m.skill_id, m.model_name) m.tenant_id, m.benchmark_run_id, m.model_name, m.arm
          FROM run_models m
          JOIN benchmark_runs r ON r.tenant_id = m.tenant_id AND r.id = m.benchmark_run_id
         WHERE m.compared AND r.of_record AND r.status = 'completed' AND r.headline_model IS NOT NULL
         ORDER BY m.tenant_id, m.skill_id, m.model_name, r.partial, r.completed_at DESC, r.id) last
 WHERE m.tenant_id = last.tenant_id AND m.benchmark_run_id = last.benchmark_run_id
   AND m.model_name = last.model_name AND m.arm = last.arm;

-- The page of models adds up what stands from this index alone.
CREATE UNIQUE INDEX run_models_standing ON run_models (tenant_id, skill_id, model_name) INCLUDE (n, quality) WHERE stands;
CREATE INDEX run_models_cells ON run_models (tenant_id, model_name) INCLUDE (cells);
-- Runs whose cells are counted one by one, as their rows are not there yet or not whole.
CREATE INDEX benchmark_runs_not_concluded ON benchmark_runs (tenant_id, id)
    WHERE verdict IS NULL OR status IN ('pending', 'running');

-- What the skill calls its kind of task: the key that skills in the wild use for it, by the first that is there.
ALTER TABLE skill_versions ADD COLUMN family text GENERATED ALWAYS AS (
    nullif(btrim(coalesce(frontmatter #>> '{metadata,family}', frontmatter #>> '{metadata,category}',
                          frontmatter #>> '{metadata,domain}')), '')) STORED;

ALTER TABLE skill_versions FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_runs FORCE ROW LEVEL SECURITY;
ALTER TABLE benchmark_results FORCE ROW LEVEL SECURITY;

ALTER TABLE run_models ENABLE ROW LEVEL SECURITY;
ALTER TABLE run_models FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON run_models USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON run_models TO steelyard_app;

-- Plans before the server has looked at them by itself would be poor.
ANALYZE run_models;
ANALYZE skill_versions;
