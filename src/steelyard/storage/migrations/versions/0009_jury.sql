-- A judgement of one of several judges: what decides the grade of the whole jury, which its cell has as its own, and
-- whether the output passes by this judge. NULL where the judge graded alone.
ALTER TABLE judgements
    ADD COLUMN jury_grading_digest text,
    ADD COLUMN jury_passed boolean,
    ADD CHECK ((jury_grading_digest IS NULL) = (jury_passed IS NULL));
