-- A death is to be looked at within a month of the day it was recorded, not since the entry began (P5).

ALTER TABLE watchlist.subjects ADD COLUMN death_review_at timestamptz;
COMMENT ON COLUMN watchlist.subjects.death_review_at IS 'from when the review is late; null: no death is recorded';
-- the same that the rule says (domain/retention.py), for the deaths that are recorded already
UPDATE watchlist.subjects s SET death_review_at =
    (((convert_from(e.state, 'UTF8')::jsonb ->> 'at')::timestamptz AT TIME ZONE 'Europe/Paris')::date
     + interval '1 month' + interval '1 day') AT TIME ZONE 'Europe/Paris'
FROM watchlist.events e WHERE e.originator_id = s.subject_id AND e.topic = 'subject.death_recorded';
DROP INDEX watchlist.subjects_deceased;
CREATE INDEX subjects_deceased ON watchlist.subjects (death_review_at) WHERE death_review_at IS NOT NULL;

-- a death that was recorded of a duplicate before the merge counts for the survivor's entries (C8)
CREATE OR REPLACE VIEW watchlist.due_death_review AS
    SELECT 'death_review' AS kind, i.organisation, min(s.death_review_at) AS due_at, i.inscription_id AS id, i.case_id,
           i.inscription_id, i.subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.subjects s
    JOIN watchlist.inscriptions i ON i.subject_id = coalesce(s.merged_into, s.subject_id)
    WHERE i.state = 'active' AND s.death_review_at IS NOT NULL
    GROUP BY i.inscription_id;
