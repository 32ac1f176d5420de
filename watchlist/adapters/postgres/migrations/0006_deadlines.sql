-- Everything that falls due: one view for each kind of domain/schedule.py, each thing under its own id. A page is
-- read kind by kind in the order of an index, and then merged: over one united view everything would be sorted.

DROP VIEW watchlist.deadlines;

CREATE VIEW watchlist.due_alert_purge AS
    SELECT 'alert_purge' AS kind, organisation, alert_ends_at AS due_at, case_id AS id, case_id,
           NULL::uuid AS inscription_id, NULL::uuid AS subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.cases WHERE alert_ends_at IS NOT NULL;
CREATE VIEW watchlist.due_case_inactive AS
    SELECT 'case_inactive' AS kind, organisation, inactive_at AS due_at, case_id AS id, case_id,
           NULL::uuid AS inscription_id, NULL::uuid AS subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.cases WHERE inactive_at IS NOT NULL;
CREATE VIEW watchlist.due_case_purge AS
    SELECT 'case_purge' AS kind, organisation, data_end_at AS due_at, case_id AS id, case_id,
           NULL::uuid AS inscription_id, NULL::uuid AS subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.cases WHERE data_end_at IS NOT NULL;
CREATE VIEW watchlist.due_delisting AS
    SELECT 'delisting' AS kind, organisation, listed_until AS due_at, inscription_id AS id, case_id,
           inscription_id, subject_id, held_by
    FROM watchlist.inscriptions WHERE state = 'active';
CREATE VIEW watchlist.due_letter AS
    SELECT 'letter' AS kind, l.organisation, l.due_at, l.letter_id AS id, l.case_id, l.inscription_id, l.subject_id,
           '{}'::uuid[] AS held_by
    FROM watchlist.letters l WHERE l.due_at IS NOT NULL AND l.kind = 'inscription'
      AND NOT EXISTS (SELECT FROM watchlist.subjects s WHERE s.subject_id = l.subject_id AND s.erasing);
CREATE VIEW watchlist.due_delisting_letter AS
    SELECT 'delisting_letter' AS kind, l.organisation, l.due_at, l.letter_id AS id, l.case_id, l.inscription_id,
           l.subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.letters l WHERE l.due_at IS NOT NULL AND l.kind <> 'inscription'
      AND NOT EXISTS (SELECT FROM watchlist.subjects s WHERE s.subject_id = l.subject_id AND s.erasing);
-- that a procedure holds the entry is why it is reviewed: it does not put the review off
CREATE VIEW watchlist.due_hold_review AS
    SELECT 'hold_review' AS kind, organisation, hold_review_due_at AS due_at, inscription_id AS id, case_id,
           inscription_id, subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.inscriptions WHERE hold_review_due_at IS NOT NULL;
CREATE VIEW watchlist.due_subject_erasure AS
    SELECT 'subject_erasure' AS kind, organisation, data_end_at AS due_at, subject_id AS id, NULL::uuid AS case_id,
           NULL::uuid AS inscription_id, subject_id,
           ARRAY(SELECT r.request_id FROM watchlist.rights_requests r
                 WHERE r.subject_id = s.subject_id AND r.is_open ORDER BY 1) AS held_by
    FROM watchlist.subjects s WHERE data_end_at IS NOT NULL;
CREATE VIEW watchlist.due_rights_request AS
    SELECT 'rights_request' AS kind, organisation, due_at, request_id AS id, NULL::uuid AS case_id,
           NULL::uuid AS inscription_id, subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.rights_requests WHERE state <> 'answered';
CREATE VIEW watchlist.due_access_deferral AS
    SELECT 'access_deferral' AS kind, organisation, review_at AS due_at, request_id AS id, NULL::uuid AS case_id,
           NULL::uuid AS inscription_id, subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.rights_requests WHERE review_at IS NOT NULL;
CREATE VIEW watchlist.due_death_review AS
    SELECT 'death_review' AS kind, i.organisation, i.inscribed_at AS due_at, i.inscription_id AS id, i.case_id,
           i.inscription_id, i.subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.inscriptions i JOIN watchlist.subjects s USING (subject_id)
    WHERE i.state = 'active' AND s.deceased;

-- all of them, for whoever looks by hand
CREATE VIEW watchlist.deadlines AS
SELECT * FROM watchlist.due_alert_purge
UNION ALL SELECT * FROM watchlist.due_case_inactive
UNION ALL SELECT * FROM watchlist.due_case_purge
UNION ALL SELECT * FROM watchlist.due_delisting
UNION ALL SELECT * FROM watchlist.due_letter
UNION ALL SELECT * FROM watchlist.due_delisting_letter
UNION ALL SELECT * FROM watchlist.due_hold_review
UNION ALL SELECT * FROM watchlist.due_death_review
UNION ALL SELECT * FROM watchlist.due_subject_erasure
UNION ALL SELECT * FROM watchlist.due_rights_request
UNION ALL SELECT * FROM watchlist.due_access_deferral;

GRANT SELECT ON watchlist.deadlines, watchlist.due_alert_purge, watchlist.due_case_inactive, watchlist.due_case_purge,
    watchlist.due_delisting, watchlist.due_letter, watchlist.due_death_review, watchlist.due_delisting_letter,
    watchlist.due_hold_review, watchlist.due_subject_erasure, watchlist.due_rights_request,
    watchlist.due_access_deferral TO watchlist_service;

DROP INDEX watchlist.cases_alerts;
CREATE INDEX cases_due_alert ON watchlist.cases (alert_ends_at, case_id) WHERE alert_ends_at IS NOT NULL;
CREATE INDEX cases_due_inactive ON watchlist.cases (inactive_at, case_id) WHERE inactive_at IS NOT NULL;
DROP INDEX watchlist.cases_data_end;
CREATE INDEX cases_due_purge ON watchlist.cases (data_end_at, case_id) WHERE data_end_at IS NOT NULL;
CREATE INDEX inscriptions_due_delisting ON watchlist.inscriptions (listed_until, inscription_id)
    WHERE state = 'active';
CREATE INDEX subjects_deceased ON watchlist.subjects (subject_id) WHERE deceased;
DROP INDEX watchlist.letters_due;
CREATE INDEX letters_due ON watchlist.letters (due_at, letter_id) WHERE due_at IS NOT NULL;
DROP INDEX watchlist.inscriptions_hold_review;
CREATE INDEX inscriptions_hold_review ON watchlist.inscriptions (hold_review_due_at, inscription_id)
    WHERE hold_review_due_at IS NOT NULL;
DROP INDEX watchlist.subjects_data_end;
CREATE INDEX subjects_data_end ON watchlist.subjects (data_end_at, subject_id) WHERE data_end_at IS NOT NULL;

-- L10, P6: a case retains its victims too
CREATE OR REPLACE FUNCTION watchlist.subject_data_end_at(subject uuid) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN count(*) = 0 THEN (SELECT max(s.unnamed_until) FROM watchlist.subjects s
                                WHERE coalesce(s.merged_into, s.subject_id) = subject)
        WHEN bool_or(c.purged_at IS NULL) THEN NULL
        ELSE max(c.purged_at) END
    FROM watchlist.cases c WHERE c.subject_ids @> ARRAY[subject] OR c.victim_ids @> ARRAY[subject]
$$;
