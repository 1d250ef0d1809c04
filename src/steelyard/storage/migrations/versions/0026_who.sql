-- Names can be changed and given again: which member or API key it was that rated or changed a case stands beside them. NULL
-- for the owner of a single-user installation, and for what was before.
ALTER TABLE output_ratings
    ADD COLUMN rater_id uuid DEFAULT nullif(current_setting('app.actor_id', true), '')::uuid;
ALTER TABLE case_changes
    ADD COLUMN who_id uuid DEFAULT nullif(current_setting('app.actor_id', true), '')::uuid;
