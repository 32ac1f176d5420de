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
    SELECT 'letter' AS kind, organisation, letter_due_at AS due_at, inscription_id AS id, case_id,
           inscription_id, subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.inscriptions WHERE state = 'active' AND letter_due_at IS NOT NULL;
CREATE VIEW watchlist.due_death_review AS
    SELECT 'death_review' AS kind, i.organisation, i.inscribed_at AS due_at, i.inscription_id AS id, i.case_id,
           i.inscription_id, i.subject_id, '{}'::uuid[] AS held_by
    FROM watchlist.inscriptions i JOIN watchlist.subjects s USING (subject_id)
    WHERE i.state = 'active' AND s.deceased;

GRANT SELECT ON watchlist.due_alert_purge, watchlist.due_case_inactive, watchlist.due_case_purge,
    watchlist.due_delisting, watchlist.due_letter, watchlist.due_death_review TO watchlist_service;

DROP INDEX watchlist.cases_alerts;
CREATE INDEX cases_due_alert ON watchlist.cases (alert_ends_at, case_id) WHERE alert_ends_at IS NOT NULL;
CREATE INDEX cases_due_inactive ON watchlist.cases (inactive_at, case_id) WHERE inactive_at IS NOT NULL;
CREATE INDEX cases_due_purge ON watchlist.cases (data_end_at, case_id) WHERE data_end_at IS NOT NULL;
CREATE INDEX inscriptions_due_delisting ON watchlist.inscriptions (listed_until, inscription_id)
    WHERE state = 'active';
CREATE INDEX inscriptions_due_letter ON watchlist.inscriptions (letter_due_at, inscription_id)
    WHERE state = 'active' AND letter_due_at IS NOT NULL;
CREATE INDEX subjects_deceased ON watchlist.subjects (subject_id) WHERE deceased;
