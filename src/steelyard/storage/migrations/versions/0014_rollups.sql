-- The daily sums get the skill's version into their key, and latency as whole microseconds: sums of fractions depend on
-- the order they are added in, and these are compared with a recount to the last digit. And the rows they are the sums
-- of are kept for a while only.

-- The owner is bound by forced policies too, and so is the check of a foreign key; see 0002.
ALTER TABLE skills NO FORCE ROW LEVEL SECURITY;
ALTER TABLE token_measurements NO FORCE ROW LEVEL SECURITY;
ALTER TABLE measurement_daily NO FORCE ROW LEVEL SECURITY;

ALTER TABLE measurement_daily RENAME TO measurement_daily_before;
ALTER INDEX measurement_daily_pkey RENAME TO measurement_daily_before_pkey;

-- One row per skill, UTC day, model and version; the version is all zeros where it is not known. The version stands
-- last: what pages ask leads with skill and day. `latency_uses` counts the uses whose latency is known, `cost_unknown`
-- those whose cost is not.
CREATE TABLE measurement_daily (
    tenant_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    day date NOT NULL,
    model_name text NOT NULL,
    skill_version_id uuid NOT NULL,
    uses bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_microcents bigint NOT NULL,
    cost_unknown bigint NOT NULL,
    latency_us_sum bigint NOT NULL,
    latency_uses bigint NOT NULL
);

SET LOCAL work_mem = '256MB';
INSERT INTO measurement_daily
SELECT tenant_id, skill_id, (measured_at AT TIME ZONE 'UTC')::date,
       model_name, coalesce(skill_version_id, '00000000-0000-0000-0000-000000000000'), count(*), sum(input_tokens),
       sum(output_tokens), sum(total_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(reasoning_tokens),
       coalesce(sum(cost_microcents), 0), count(*) FILTER (WHERE cost_microcents IS NULL),
       coalesce(sum(round(latency_ms * 1000)::bigint), 0), count(latency_ms)
  FROM token_measurements GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;

-- What was summed of uses that are not here any more is kept, of no known version.
INSERT INTO measurement_daily
SELECT b.tenant_id, b.skill_id, b.day, b.model_name, '00000000-0000-0000-0000-000000000000', b.uses - coalesce(n.uses, 0),
       b.input_tokens - coalesce(n.input_tokens, 0), b.output_tokens - coalesce(n.output_tokens, 0),
       b.total_tokens - coalesce(n.total_tokens, 0), b.cache_read_tokens - coalesce(n.cache_read_tokens, 0),
       b.cache_write_tokens - coalesce(n.cache_write_tokens, 0), b.reasoning_tokens - coalesce(n.reasoning_tokens, 0),
       b.cost_microcents - coalesce(n.cost_microcents, 0), b.cost_unknown - coalesce(n.cost_unknown, 0),
       round(b.latency_ms_sum * 1000)::bigint - coalesce(n.latency_us_sum, 0), b.latency_uses - coalesce(n.latency_uses, 0)
  FROM measurement_daily_before b
  LEFT JOIN (SELECT tenant_id, skill_id, day, model_name, sum(uses) AS uses, sum(input_tokens) AS input_tokens,
                    sum(output_tokens) AS output_tokens, sum(total_tokens) AS total_tokens,
                    sum(cache_read_tokens) AS cache_read_tokens, sum(cache_write_tokens) AS cache_write_tokens,
                    sum(reasoning_tokens) AS reasoning_tokens, sum(cost_microcents) AS cost_microcents,
                    sum(cost_unknown) AS cost_unknown, sum(latency_us_sum) AS latency_us_sum,
                    sum(latency_uses) AS latency_uses
               FROM measurement_daily GROUP BY 1, 2, 3, 4) n USING (tenant_id, skill_id, day, model_name)
 WHERE b.uses > coalesce(n.uses, 0);

-- Where a day has rows of no known version already, the two become one.
WITH doubled AS (
    DELETE FROM measurement_daily d
     USING (SELECT tenant_id, skill_id, day, model_name FROM measurement_daily
             WHERE skill_version_id = '00000000-0000-0000-0000-000000000000'
             GROUP BY 1, 2, 3, 4 HAVING count(*) > 1) t
     WHERE (d.tenant_id, d.skill_id, d.day, d.model_name) = (t.tenant_id, t.skill_id, t.day, t.model_name)
       AND d.skill_version_id = '00000000-0000-0000-0000-000000000000'
    RETURNING d.*)
INSERT INTO measurement_daily
SELECT tenant_id, skill_id, day, model_name, skill_version_id, sum(uses), sum(input_tokens), sum(output_tokens),
       sum(total_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(reasoning_tokens), sum(cost_microcents),
       sum(cost_unknown), sum(latency_us_sum), sum(latency_uses)
  FROM doubled GROUP BY 1, 2, 3, 4, 5;

ALTER TABLE measurement_daily
    ADD PRIMARY KEY (tenant_id, skill_id, day, model_name, skill_version_id),
    ADD FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE;
DROP TABLE measurement_daily_before;
ANALYZE measurement_daily;

ALTER TABLE measurement_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE measurement_daily FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON measurement_daily USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON measurement_daily TO steelyard_app;
ALTER TABLE token_measurements FORCE ROW LEVEL SECURITY;
ALTER TABLE skills FORCE ROW LEVEL SECURITY;

-- Uses whose price was not known wait to be priced.
CREATE INDEX token_measurements_unpriced ON token_measurements (tenant_id, measured_at, id)
    WHERE cost_microcents IS NULL;

-- Key and time together tell repeats apart, as they do among the uses of skills that are here.
ALTER TABLE unmatched_uses DROP CONSTRAINT unmatched_uses_pkey, ADD PRIMARY KEY (tenant_id, id, measured_at);

-- A version that goes leaves its uses to the skill, among the rows as by SET NULL, among the sums by this.
CREATE FUNCTION keep_uses_of_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM skills WHERE tenant_id = OLD.tenant_id AND id = OLD.skill_id) THEN
        WITH gone AS (
            DELETE FROM measurement_daily
             WHERE tenant_id = OLD.tenant_id AND skill_id = OLD.skill_id AND skill_version_id = OLD.id
            RETURNING *)
        INSERT INTO measurement_daily AS daily
        SELECT tenant_id, skill_id, day, model_name, '00000000-0000-0000-0000-000000000000', uses, input_tokens,
               output_tokens, total_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, cost_microcents,
               cost_unknown, latency_us_sum, latency_uses
          FROM gone ORDER BY day, model_name
        ON CONFLICT (tenant_id, skill_id, day, model_name, skill_version_id) DO UPDATE
           SET uses = daily.uses + EXCLUDED.uses, input_tokens = daily.input_tokens + EXCLUDED.input_tokens,
               output_tokens = daily.output_tokens + EXCLUDED.output_tokens,
               total_tokens = daily.total_tokens + EXCLUDED.total_tokens,
               cache_read_tokens = daily.cache_read_tokens + EXCLUDED.cache_read_tokens,
               cache_write_tokens = daily.cache_write_tokens + EXCLUDED.cache_write_tokens,
               reasoning_tokens = daily.reasoning_tokens + EXCLUDED.reasoning_tokens,
               cost_microcents = daily.cost_microcents + EXCLUDED.cost_microcents,
               cost_unknown = daily.cost_unknown + EXCLUDED.cost_unknown,
               latency_us_sum = daily.latency_us_sum + EXCLUDED.latency_us_sum,
               latency_uses = daily.latency_uses + EXCLUDED.latency_uses;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_uses AFTER DELETE ON skill_versions FOR EACH ROW EXECUTE FUNCTION keep_uses_of_version();

-- From which day on uses are kept one by one, for all tenants: a partition holds those of all. One row at most.
CREATE TABLE measurement_retention (
    kept_from date NOT NULL,
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
GRANT SELECT ON measurement_retention TO steelyard_app;

-- As before, but a month whose uses were let go is not made again.
CREATE OR REPLACE FUNCTION ensure_measurement_partitions(first_month date, last_month date) RETURNS integer
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
    month := greatest(month, (SELECT kept_from FROM measurement_retention));
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

-- Lets go of the uses before a month, and of all tenants: their sums stay. It waits for batches that are being written,
-- not for ever: while it waits, so does every batch after it. The two months before this one are never let go.
CREATE FUNCTION drop_measurement_partitions(before date) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    IF before <> date_trunc('month', before)::date OR before > (date_trunc('month', now() AT TIME ZONE 'UTC') - interval '2 months')::date THEN
        RAISE EXCEPTION 'uses before % cannot be let go', before USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SET LOCAL lock_timeout = '10s';
    PERFORM pg_advisory_xact_lock(hashtextextended('token_measurements', 0));
    INSERT INTO measurement_retention AS old (kept_from) VALUES (before)
    ON CONFLICT (one) DO UPDATE SET kept_from = greatest(old.kept_from, EXCLUDED.kept_from);
    -- By name, not by a date made of it: it may be compared with those of other tables, before the join leaves them out.
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'token_measurements'::regclass
           AND c.relname < 'token_measurements_' || to_char(before, 'YYYY_MM') ORDER BY c.relname LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;

DO $$
DECLARE f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['ensure_measurement_partitions(date, date)', 'drop_measurement_partitions(date)'] LOOP
        -- The caller's search path must not decide what the owner's rights are used on.
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', f, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO steelyard_app', f);
    END LOOP;
END $$;
