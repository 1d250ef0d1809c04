-- A judgement of one of several judges: what decides the grade of the whole jury, which its cell has as its own. NULL
-- where the judge graded alone.
ALTER TABLE judgements ADD COLUMN jury_grading_digest text;
