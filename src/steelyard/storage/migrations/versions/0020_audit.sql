-- Who changed what and when, kept for good: the application may read it, and nothing else. The rows are written by
-- triggers, so that no code can forget to; `audit_table` puts them on a table.

-- `id` grows with time. `action` is a word for what was done, `change` the old and the new value of each column that
-- matters and changed. A text of a prompt or a case is there as a digest with its length, a secret not at all. Names are
-- as they were then: whom and what they name may be gone.
CREATE TABLE audit_log (
    tenant_id uuid NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    action text NOT NULL,
    subject_kind text NOT NULL,
    subject_id uuid,
    subject_name text NOT NULL,
    skill_id uuid,
    skill_name text,
    change jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_log_by_actor ON audit_log (tenant_id, actor_name, id);
CREATE INDEX audit_log_by_kind ON audit_log (tenant_id, subject_kind, id);
CREATE INDEX audit_log_by_skill ON audit_log (tenant_id, skill_name, id) WHERE skill_name IS NOT NULL;
CREATE INDEX audit_log_by_subject ON audit_log (tenant_id, subject_id, id) WHERE subject_id IS NOT NULL;

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_only ON audit_log USING (tenant_id = (SELECT current_tenant()))
    WITH CHECK (tenant_id = (SELECT current_tenant()));
GRANT SELECT ON audit_log TO steelyard_app;

-- A UUID of version 7 (RFC 9562, 5.7 and method 3 of 6.2): milliseconds, then the microseconds within one, then chance.
CREATE FUNCTION time_ordered_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex(t.us / 1000), 12, '0') || '7' || lpad(to_hex(t.us % 1000 * 4096 / 1000), 3, '0') || '8'
            || right(replace(gen_random_uuid()::text, '-', ''), 15))::uuid
      FROM (SELECT (extract(epoch FROM at) * 1000000)::bigint AS us) t
$$;

-- A column's value as the log has it: a text named in `digested`, or a long value, as its digest; of an address its
-- scheme and host; of a secret that there is one.
CREATE FUNCTION audit_value(value jsonb, spec jsonb, key text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN value IS NULL OR value = 'null' THEN 'null'::jsonb
                WHEN spec -> 'hidden' ? key THEN '{"hidden": true}'
                WHEN spec -> 'hosts' ? key
                THEN to_jsonb(regexp_replace(value #>> '{}', '^([A-Za-z0-9+.-]*://)?([^/?#]*@)?([^/?#]*).*$', '\1\3'))
                WHEN spec -> 'digested' ? key OR length(value #>> '{}') > 1000
                THEN jsonb_build_object('sha256', encode(sha256(convert_to(value #>> '{}', 'UTF8')), 'hex'),
                                        'characters', length(value #>> '{}'))
                ELSE value END
$$;

-- The trigger of every audited table; its argument is what `audit_table` was told of it, as JSON. It writes as the owner,
-- bound by the policy as everybody is: for a row that was reached without its tenant's setting, that is set meanwhile.
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    spec jsonb := TG_ARGV[0];
    was jsonb := coalesce(to_jsonb(OLD), '{}');
    becomes jsonb := coalesce(to_jsonb(NEW), '{}');
    one jsonb := CASE TG_OP WHEN 'DELETE' THEN was ELSE becomes END;
    tenant uuid := one ->> (CASE TG_TABLE_NAME WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END);
    asked_as text := coalesce(current_setting('app.current_tenant_id', true), '');
    happened timestamptz := clock_timestamp();
    done text := CASE TG_OP WHEN 'INSERT' THEN spec ->> 'added' WHEN 'DELETE' THEN 'deleted' END;
    noted jsonb := '{}';
    skill uuid := CASE spec ->> 'kind' WHEN 'skill' THEN one ->> 'id' ELSE one ->> 'skill_id' END;
    skill_named text;
    named text := one ->> (spec ->> 'name');
    part text;
    n bigint;
BEGIN
    -- What goes with its tenant takes its log along.
    IF NOT EXISTS (SELECT 1 FROM tenants WHERE id = tenant) THEN
        RETURN OLD;
    END IF;
    IF asked_as <> tenant::text THEN
        PERFORM set_config('app.current_tenant_id', tenant::text, true);
    END IF;
    IF skill IS NULL AND one ? 'benchmark_run_id' THEN
        SELECT skill_id INTO skill FROM benchmark_runs
         WHERE tenant_id = tenant AND id = (one ->> 'benchmark_run_id')::uuid;
    END IF;
    IF skill IS NOT NULL THEN
        SELECT name INTO skill_named FROM skills WHERE tenant_id = tenant AND id = skill;
    END IF;

    IF spec ->> 'id' = 'user_id' THEN
        SELECT name INTO named FROM users WHERE id = (one ->> 'user_id')::uuid;
    END IF;

    IF TG_OP = 'DELETE' AND skill IS NOT NULL AND skill_named IS NULL THEN
        -- It goes with its skill, whose deletion is noted with the number of these.
        NULL;
    ELSE
        FOR part IN SELECT jsonb_array_elements_text(spec -> 'columns' || CASE TG_OP WHEN 'INSERT'
                                                     THEN spec -> 'inserted' ELSE '[]' END) LOOP
            IF was -> part IS DISTINCT FROM becomes -> part
               AND (TG_OP = 'UPDATE' OR one -> part NOT IN ('null', '""', '[]', '{}', 'false')) THEN
                noted := noted || jsonb_build_object(part, jsonb_build_array(audit_value(was -> part, spec, part),
                                                                             audit_value(becomes -> part, spec, part)));
                done := coalesce(done, spec -> 'verbs' -> part ->> coalesce(becomes ->> part, ''),
                                 spec -> 'verbs' -> part ->> '*');
            END IF;
        END LOOP;
        IF TG_OP = 'DELETE' THEN
            FOR part IN SELECT jsonb_array_elements_text(spec -> 'counts') LOOP
                EXECUTE format('SELECT %s FROM %I WHERE tenant_id = $1 AND %I = $2',
                               CASE WHEN part LIKE '%.%' THEN format('coalesce(sum(%I), 0)', split_part(part, '.', 2))
                                    ELSE 'count(*)' END,
                               split_part(part, '.', 1), (spec ->> 'kind') || '_id')
                   INTO n USING tenant, (one ->> 'id')::uuid;
                IF n > 0 THEN
                    noted := noted || jsonb_build_object(
                        coalesce(nullif(split_part(part, '.', 2), ''), part), jsonb_build_array(n, 0));
                END IF;
            END LOOP;
        END IF;
        INSERT INTO audit_log (tenant_id, id, at, actor_kind, actor_id, actor_name, action, subject_kind, subject_id,
                               subject_name, skill_id, skill_name, change)
        VALUES (tenant, time_ordered_id(happened), happened,
                coalesce(nullif(current_setting('app.actor_kind', true), ''), 'database'),
                nullif(current_setting('app.actor_id', true), '')::uuid,
                coalesce(nullif(current_setting('app.actor_name', true), ''), session_user),
                coalesce(done, 'changed'), spec ->> 'kind', (one ->> (spec ->> 'id'))::uuid,
                left(coalesce(named, ''), 200), skill, left(skill_named, 200), noted);
    END IF;
    IF asked_as <> tenant::text THEN
        PERFORM set_config('app.current_tenant_id', asked_as, true);
    END IF;
    RETURN OLD;
END $$;

-- Puts the triggers on a table with a tenant_id; given again it replaces them.
--   kind      what a row is called in the log; of a thing that others refer to, that with _id names their column
--   name      the column with a row's name
--   id        that with its id, if it has one; what is known by a user_id has that user's name
--   keys      the columns that matter: an update that changes none of these or of the next three is not noted
--   digested  of these only a digest and the length are kept, of `hidden` ones nothing, of `hosts` an address's host
--   inserted  columns that are noted as a row comes and never change
--   added     the word for an insert; `verbs` has those for updates, by column and new value ('' is NULL, '*' any other)
--   counts    tables, or table.column to be summed, of which a deletion says how many go along; then it is noted before
--   events    which of insert, update and delete are noted
--   which     a condition on `row`; `updates` one on OLD and NEW
CREATE FUNCTION audit_table(
    of_table text, kind text, name text DEFAULT NULL, keys text[] DEFAULT '{}', digested text[] DEFAULT '{}',
    hidden text[] DEFAULT '{}', hosts text[] DEFAULT '{}', inserted text[] DEFAULT '{}', added text DEFAULT 'added',
    verbs jsonb DEFAULT '{}', counts text[] DEFAULT '{}', events text[] DEFAULT '{insert,update,delete}',
    which text DEFAULT 'true', updates text DEFAULT 'true', id text DEFAULT 'id'
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text[] := keys || digested || hidden || hosts;
    spec jsonb := jsonb_build_object(
        'kind', kind, 'name', name, 'id', id, 'added', added, 'verbs', verbs, 'columns', columns, 'digested', digested,
        'hidden', hidden, 'hosts', hosts, 'inserted', inserted, 'counts', counts);
    unknown text[] := ARRAY(
        SELECT unnest(columns || inserted || name) EXCEPT
        SELECT attname FROM pg_attribute WHERE attrelid = of_table::regclass AND attnum > 0 AND NOT attisdropped
        EXCEPT SELECT NULL);
    event text;
    condition text;
BEGIN
    IF unknown <> '{}' THEN
        RAISE EXCEPTION '% has no columns %', of_table, unknown;
    END IF;
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
        EXECUTE format('DROP TRIGGER IF EXISTS %I ON %I', 'audit_' || event, of_table);
        CONTINUE WHEN NOT event = ANY (events);
        condition := replace(which, 'row.', CASE event WHEN 'delete' THEN 'OLD.' ELSE 'NEW.' END);
        IF event = 'update' THEN
            condition := format('(%s) AND (%s) AND (%s)', condition, updates, (
                SELECT string_agg(format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', c), ' OR ') FROM unnest(columns) c));
        END IF;
        EXECUTE format('CREATE TRIGGER %I %s %s ON %I FOR EACH ROW WHEN (%s) EXECUTE FUNCTION note_change(%L)',
                       'audit_' || event, CASE WHEN event = 'delete' AND counts <> '{}' THEN 'BEFORE' ELSE 'AFTER' END,
                       event, of_table, condition, spec);
    END LOOP;
END $$;

DO $$
DECLARE f text;
BEGIN
    -- The caller's search path must not decide what the owner's rights are used on.
    EXECUTE format('ALTER FUNCTION note_change() SET search_path = %I, pg_temp', current_schema());
    FOREACH f IN ARRAY ARRAY['note_change', 'audit_table', 'audit_value', 'time_ordered_id'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC', f);
    END LOOP;
END $$;

SELECT audit_table('tenants', 'tenant', name => 'name', events => '{update}',
                   keys => '{name,stale_after_days,mail_to,rebenchmark_budget_microcents,rebenchmark_causes}');
-- The first version of a skill comes with it.
SELECT audit_table('skills', 'skill', name => 'name', keys => '{current_version_id,source,stale_after_days}',
                   digested => '{description}', verbs => '{"current_version_id": {"*": "switched"}}',
                   updates => 'OLD.current_version_id IS NOT NULL',
                   counts => '{skill_versions,golden_cases,benchmark_runs,benchmark_runs.spent_microcents,'
                             'measurement_daily.uses,skill_feedback,suggestions,skill_reviews,case_drafts}');
SELECT audit_table('skill_versions', 'version', name => 'digest', keys => '{draft,discarded_at,draft_by,draft_why}',
                   digested => '{prompt}',
                   verbs => '{"draft": {"false": "adopted"}, "discarded_at": {"": "restored", "*": "discarded"}}');
-- A case made up for one run is no golden case.
SELECT audit_table('golden_cases', 'case', name => 'case_key',
                   keys => '{status,retired_at,source,family,case_set,author}',
                   digested => '{input,expected_output,assertions,checks,files}', which => $$row.source <> 'ad_hoc'$$,
                   verbs => '{"status": {"accepted": "accepted", "rejected": "rejected", "pending": "proposed"},
                              "retired_at": {"": "restored", "*": "retired"}}');
SELECT audit_table('suggestions', 'suggestion', name => 'title', keys => '{status,author}', digested => '{body}',
                   verbs => '{"status": {"accepted": "accepted", "declined": "declined", "open": "reopened"}}');
SELECT audit_table('skill_feedback', 'example', keys => '{status,decided_by,decided_why}', events => '{update}',
                   verbs => '{"status": {"accepted": "accepted", "rejected": "rejected", "new": "reopened"}}');
-- Of what is paid for its beginning, its end by somebody's hand, and its going on; how it went is on its own row.
SELECT audit_table('benchmark_runs', 'run', keys => '{status,budget_microcents,accept_judge}', added => 'started',
                   inserted => '{triggered_by,models,judge,planned,fresh,of_draft}', events => '{insert,update}',
                   updates => $$OLD.status = NEW.status OR NEW.status IN ('pending', 'cancelled')$$,
                   verbs => '{"status": {"pending": "resumed", "cancelled": "cancelled"}}');
SELECT audit_table('tie_breaks', 'tie-break', keys => '{status,budget_microcents}', added => 'started',
                   inserted => '{models,judge}', events => '{insert,update}',
                   updates => $$OLD.status = NEW.status OR NEW.status IN ('pending', 'cancelled')$$,
                   verbs => '{"status": {"pending": "resumed", "cancelled": "cancelled"}}');
SELECT audit_table('skill_reviews', 'review', added => 'started', inserted => '{model}', events => '{insert}');
SELECT audit_table('case_drafts', 'drafts', added => 'started', inserted => '{model,wanted,budget_microcents}',
                   events => '{insert}');
SELECT audit_table('webhooks', 'webhook', hosts => '{url}', hidden => '{secret}',
                   verbs => '{"secret": {"*": "renewed"}}');
SELECT audit_table('memberships', 'member', keys => '{role}', id => 'user_id');
SELECT audit_table('invitations', 'invitation', name => 'email', keys => '{role}', hidden => '{token_hash}',
                   inserted => '{invited_by,expires_at}', verbs => '{"token_hash": {"*": "renewed"}}');
