-- What a million tokens of a model cost from a UTC day on, in microcents, until another price of the model holds; NULL
-- of the cache is the price of input. `model` is `provider:name`, with settings for a variant's own price. They go with
-- the tenant's provider: one of the same name later may be another seller. Costs have their own price with them.
CREATE TABLE provider_prices (
    tenant_id uuid NOT NULL,
    provider text NOT NULL,
    model text NOT NULL CHECK (starts_with(model, provider || ':')),
    since date NOT NULL,
    input_microcents bigint NOT NULL CHECK (input_microcents >= 0),
    output_microcents bigint NOT NULL CHECK (output_microcents >= 0),
    cache_read_microcents bigint CHECK (cache_read_microcents >= 0),
    cache_write_microcents bigint CHECK (cache_write_microcents >= 0),
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- What the audit log calls it; casting a date to text would go by the session's settings.
    named text NOT NULL GENERATED ALWAYS AS (
        model || ' from ' || lpad(extract(year FROM since)::int::text, 4, '0') || '-'
        || lpad(extract(month FROM since)::int::text, 2, '0') || '-' || lpad(extract(day FROM since)::int::text, 2, '0')
    ) STORED,
    PRIMARY KEY (tenant_id, provider, model, since),
    FOREIGN KEY (tenant_id, provider) REFERENCES tenant_providers (tenant_id, name) ON DELETE CASCADE
);

ALTER TABLE provider_prices ENABLE ROW LEVEL SECURITY;
ALTER TABLE provider_prices FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON provider_prices
    USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT, INSERT, UPDATE, DELETE ON provider_prices TO steelyard_app;

SELECT audit_table('provider_prices', 'price', name => 'named',
                   keys => '{input_microcents,output_microcents,cache_read_microcents,cache_write_microcents}');
