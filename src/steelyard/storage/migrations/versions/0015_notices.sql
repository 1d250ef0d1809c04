-- When a tenant is checked, and what it wants to be told and done of itself. `checked_slot` is the time of the schedule it
-- was last checked for; `checking_until` holds others off while one process checks; `work_at` is when something is next
-- to be sent or run again.
ALTER TABLE tenants
    ADD COLUMN checked_slot timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN checking_until timestamptz,
    ADD COLUMN checked_at timestamptz,
    ADD COLUMN work_at timestamptz,
    ADD COLUMN mail_to text[] NOT NULL DEFAULT '{}',
    ADD COLUMN rebenchmark_budget_microcents bigint CHECK (rebenchmark_budget_microcents > 0),
    ADD COLUMN rebenchmark_causes text[] NOT NULL DEFAULT '{}';

-- Where notices are posted. The secret signs them, and is never read for anything else.
CREATE TABLE webhooks (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    url text NOT NULL,
    secret text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id)
);

-- A cause that was found against a skill's benchmark, from when it was first found until it was gone. A run was begun
-- because of it where `rebenchmark_run_id` says so.
CREATE TABLE notices (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    skill_id uuid NOT NULL,
    cause text NOT NULL,
    run_id uuid NOT NULL,
    evidence text NOT NULL,
    since timestamptz NOT NULL,
    found_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    gone_at timestamptz,
    rebenchmark_run_id uuid,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, skill_id) REFERENCES skills (tenant_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX notices_open ON notices (tenant_id, skill_id, cause) WHERE gone_at IS NULL;

-- One message on one way, kept until it was delivered or given up: its id goes with every attempt. `payload` is dropped
-- then. `next_at` is when it is tried next, NULL once it has ended.
CREATE TABLE deliveries (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    way text NOT NULL CHECK (way IN ('webhook', 'mail')),
    kind text NOT NULL,
    payload jsonb,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    last_status text,
    last_at timestamptz,
    next_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CHECK ((state = 'waiting') = (next_at IS NOT NULL))
);
CREATE INDEX deliveries_due ON deliveries (tenant_id, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_by_time ON deliveries (tenant_id, created_at DESC);
CREATE INDEX benchmark_runs_scheduled ON benchmark_runs (tenant_id, created_at) WHERE triggered_by = 'schedule';

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['webhooks', 'notices', 'deliveries'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_only ON %I USING (tenant_id = (SELECT current_tenant())) '
                       'WITH CHECK (tenant_id = (SELECT current_tenant()))', t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO steelyard_app', t);
    END LOOP;
END $$;

-- The one thing asked across tenants: who has something to do. The owner is bound by forced policies too, so it has one
-- of its own to read this one table with; the application does not act as the owner.
CREATE POLICY schedule_reads ON tenants FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION tenants_due(slot timestamptz, at timestamptz)
    RETURNS TABLE (tenant_id uuid) LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT id FROM tenants
     WHERE work_at <= at OR (checked_slot < slot AND (checking_until IS NULL OR checking_until <= at))
     ORDER BY id
$$;
DO $$
BEGIN
    -- The caller's search path must not decide what the owner's rights are used on.
    EXECUTE format('ALTER FUNCTION tenants_due SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE ALL ON FUNCTION tenants_due FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenants_due TO steelyard_app;
