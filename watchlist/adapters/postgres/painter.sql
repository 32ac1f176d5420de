-- name: cases
-- one row per case, as it stands
INSERT INTO cases (case_id, organisation, state, source, raised_on, import_id, opened_at, closed_at, last_active_at,
    alert_ends_at, inactive_at, data_end_at, subject_ids, version, purged_at, victim_ids, data_due_at)
SELECT case_id, organisation, state, source, raised_on, import_id, opened_at, closed_at, last_active_at,
       alert_ends_at, inactive_at, data_end_at, subject_ids, version, purged_at, victim_ids, data_due_at
FROM json_populate_recordset(NULL::cases, %b::json)
ON CONFLICT (case_id) DO UPDATE SET
    state = excluded.state, closed_at = excluded.closed_at, last_active_at = excluded.last_active_at,
    alert_ends_at = excluded.alert_ends_at, inactive_at = excluded.inactive_at,
    data_end_at = excluded.data_end_at, subject_ids = excluded.subject_ids,
    victim_ids = excluded.victim_ids, version = excluded.version, purged_at = excluded.purged_at,
    data_due_at = excluded.data_due_at

-- name: activity
-- a case in which something was found: the commonest command, and nothing else of the row differs
UPDATE cases SET last_active_at = %b, inactive_at = %b, version = %b WHERE case_id = %b

-- name: inscriptions
-- one row per inscription, as it stands
INSERT INTO inscriptions (inscription_id, case_id, subject_id, organisation, state, grounds, term_months,
    proposed_at, proposed_by, import_id, inscribed_at, inscribed_on, last_listed_day, listed_until, ends_at,
    held_by, restricted, letter_due_at, delisted_at, delisting_ground, hold_review_due_at, last_amended_by,
    approved_by)
SELECT inscription_id, case_id, subject_id, organisation, state, grounds, term_months, proposed_at, proposed_by,
       import_id, inscribed_at, inscribed_on, last_listed_day, listed_until, ends_at, held_by, restricted,
       letter_due_at, delisted_at, delisting_ground, hold_review_due_at, last_amended_by, approved_by
FROM json_populate_recordset(NULL::inscriptions, %b::json)
ON CONFLICT (inscription_id) DO UPDATE SET
    subject_id = excluded.subject_id, state = excluded.state, grounds = excluded.grounds,
    term_months = excluded.term_months, inscribed_at = excluded.inscribed_at,
    inscribed_on = excluded.inscribed_on, last_listed_day = excluded.last_listed_day,
    listed_until = excluded.listed_until, ends_at = excluded.ends_at, held_by = excluded.held_by,
    restricted = excluded.restricted, letter_due_at = excluded.letter_due_at,
    delisted_at = excluded.delisted_at, delisting_ground = excluded.delisting_ground,
    hold_review_due_at = excluded.hold_review_due_at, last_amended_by = excluded.last_amended_by,
    approved_by = excluded.approved_by

-- name: letters
-- one row per letter that an entry made due (L12)
INSERT INTO letters (letter_id, kind, organisation, case_id, inscription_id, subject_id, due_at, deferred_to,
    sent_on, channel, template, last_day)
SELECT letter_id, kind, organisation, case_id, inscription_id, subject_id, due_at, deferred_to, sent_on, channel,
       template, last_day
FROM json_populate_recordset(NULL::letters, %b::json)
ON CONFLICT (letter_id) DO UPDATE SET
    subject_id = excluded.subject_id, due_at = excluded.due_at, deferred_to = excluded.deferred_to,
    sent_on = excluded.sent_on, channel = excluded.channel, template = excluded.template,
    last_day = excluded.last_day

-- name: close_history
-- standings that are no more: the entry left the list, or stands otherwise now
UPDATE inscription_history h SET recorded_until = recorded_at()
WHERE h.inscription_id = ANY(%b) AND h.recorded_until = '9999-12-31 23:59:59.999999+00'
  AND NOT EXISTS (
    SELECT FROM json_populate_recordset(NULL::inscription_history, %b::json) n
    WHERE n.inscription_id = h.inscription_id
      AND (n.subject_id, n.ends_at, n.held_by, n.restricted) IS NOT DISTINCT FROM
          (h.subject_id, h.ends_at, h.held_by, h.restricted))

-- name: open_history
-- standings that begin
INSERT INTO inscription_history
SELECT n.inscription_id, recorded_at(), '9999-12-31 23:59:59.999999+00', n.case_id, n.subject_id, n.organisation,
       n.inscribed_at, n.inscribed_on, n.term_months, n.last_listed_day, n.listed_until, n.ends_at,
       n.held_by, n.restricted
FROM json_populate_recordset(NULL::inscription_history, %b::json) n
WHERE NOT EXISTS (SELECT FROM inscription_history h WHERE h.inscription_id = n.inscription_id
                  AND h.recorded_until = '9999-12-31 23:59:59.999999+00')

-- name: subjects
-- one row per subject, as it stands; until when it is retained follows from its cases too (`retain`)
INSERT INTO subjects (subject_id, organisation, kind, role, identified, deceased, merged_into, registered_at,
    version, erasing, erased, unnamed_until, data_end_at, death_review_at)
SELECT subject_id, organisation, kind, role, identified, deceased, merged_into, registered_at, version, erasing,
       erased, unnamed_until, data_end_at, death_review_at
FROM json_populate_recordset(NULL::subjects, %b::json)
ON CONFLICT (subject_id) DO UPDATE SET
    identified = excluded.identified, deceased = excluded.deceased,
    merged_into = excluded.merged_into, version = excluded.version,
    erasing = excluded.erasing, erased = excluded.erased, death_review_at = excluded.death_review_at

-- name: forget_tokens
-- the look-ups of subjects whose identity changed
DELETE FROM subject_tokens WHERE subject_id = ANY(%b)

-- name: subject_tokens
-- the look-ups of subjects, under their identity of now
INSERT INTO subject_tokens (digest, subject_id, organisation, given, answers, generation)
SELECT * FROM unnest(%b::bytea[], %b::uuid[], %b::text[], %b::bytea[], %b::boolean[], %b::smallint[])
ON CONFLICT DO NOTHING

-- name: stolen_tokens
-- L10: identifiers recorded as stolen in a case
INSERT INTO stolen_tokens (case_id, digest, generation)
SELECT * FROM unnest(%b::uuid[], %b::bytea[], %b::smallint[]) ON CONFLICT DO NOTHING

-- name: silence
-- entries whose answer may differ now answer nothing, until `answer` says again
DELETE FROM answerable WHERE inscription_id = ANY(%b)

-- name: answer
-- the tokens of entries that are listed and not restricted, under every identity merged into their subject
INSERT INTO answerable (digest, inscription_id, given, answers_until, generation)
SELECT DISTINCT t.digest, i.inscription_id, t.given, i.ends_at, t.generation
FROM inscriptions i
JOIN subjects s ON coalesce(s.merged_into, s.subject_id) = i.subject_id
JOIN subject_tokens t ON t.subject_id = s.subject_id
WHERE i.inscription_id = ANY(%b) AND i.state = 'active' AND NOT i.restricted AND t.answers
  AND NOT EXISTS (SELECT FROM stolen_tokens x WHERE x.case_id = i.case_id AND x.digest = t.digest)

-- name: tell_changes
-- S8: whoever received a hit on these entries is told that it stopped or resumed, if it did
SELECT tell_changes(%b::uuid[], %b)

-- name: entries_of
-- the entries that stand for subjects whose identity changed
SELECT inscription_id AS id FROM inscriptions WHERE subject_id = ANY(%b) AND state = 'active'

-- name: rights_requests
-- one row per request of a person, as it stands
INSERT INTO rights_requests (request_id, organisation, subject_id, kind, state, received_on, recorded_at, due_on,
    due_at, extended, granted, answered_on, restricts, review_on, review_at, is_open, version)
SELECT request_id, organisation, subject_id, kind, state, received_on, recorded_at, due_on, due_at, extended,
       granted, answered_on, restricts, review_on, review_at, is_open, version
FROM json_populate_recordset(NULL::rights_requests, %b::json)
ON CONFLICT (request_id) DO UPDATE SET
    state = excluded.state, due_on = excluded.due_on, due_at = excluded.due_at, extended = excluded.extended,
    granted = excluded.granted, answered_on = excluded.answered_on, restricts = excluded.restricts,
    review_on = excluded.review_on, review_at = excluded.review_at, is_open = excluded.is_open,
    version = excluded.version

-- name: imports
-- one row per import
INSERT INTO imports (import_id, organisation, submitted_at, submitted_by, accepted, refused, approved_by, purged_at)
SELECT import_id, organisation, submitted_at, submitted_by, accepted, refused, approved_by, purged_at
FROM json_populate_recordset(NULL::imports, %b::json)
ON CONFLICT (import_id) DO UPDATE SET approved_by = excluded.approved_by,
    submitted_at = excluded.submitted_at, submitted_by = excluded.submitted_by,
    accepted = excluded.accepted, refused = excluded.refused, purged_at = excluded.purged_at

-- name: imported_lines
-- L7: a line imported once is refused by this key ever after
INSERT INTO imported_lines (fingerprint, inscription_id, generation)
SELECT * FROM unnest(%b::bytea[], %b::uuid[], %b::smallint[])

-- name: case_references
-- the cases an import made, by the other register's reference
INSERT INTO case_references (digest, case_id, generation)
SELECT * FROM unnest(%b::bytea[], %b::uuid[], %b::smallint[])

-- name: certificates
-- P6: that something is to be forgotten, and that it was
INSERT INTO erasures (owner, kind, organisation, basis, rule, decided_at, completed_at)
SELECT owner, kind, organisation, basis, rule, decided_at, completed_at
FROM json_populate_recordset(NULL::erasures, %b::json)
ON CONFLICT (owner) DO UPDATE SET basis = excluded.basis, rule = excluded.rule,
    decided_at = excluded.decided_at, completed_at = excluded.completed_at

-- name: forget_owners
-- P6: the ciphertexts of owners whose key was destroyed; how many there were, and where it is journalled
WITH gone AS (
    DELETE FROM vault WHERE owner = ANY(%b) RETURNING owner
), counted AS (
    SELECT owner, count(*) AS destroyed FROM gone GROUP BY owner
)
UPDATE erasures e SET sealed_values = coalesce(c.destroyed, 0), journal_sequence = j.sequence,
    journal_digest = j.digest, position = (
        SELECT x.notification_id FROM events x WHERE x.originator_id = e.owner
        ORDER BY x.originator_version DESC LIMIT 1)
FROM unnest(%b::uuid[], %b::bigint[], %b::text[]) AS j (owner, sequence, digest)
LEFT JOIN counted c ON c.owner = j.owner
WHERE e.owner = j.owner

-- name: forget_stolen
-- L10: the stolen identifiers of cases that are purged, or that their victim was detached from
DELETE FROM stolen_tokens WHERE case_id = ANY(%b)

-- name: forget_imported
-- C5: by which an imported case and its lines were known
WITH referenced AS (DELETE FROM case_references WHERE case_id = ANY(%b))
DELETE FROM imported_lines WHERE inscription_id = ANY(%b)

-- name: forget_references
-- P6: the keyed form of a reference that was redacted
DELETE FROM case_references WHERE case_id = ANY(%b)

-- name: forget_hits
-- S8: the questions that entries answered, once nothing can be told of them any more; the disclosures stay
DELETE FROM hits WHERE inscription_id = ANY(
    %b::uuid[] || ARRAY(SELECT inscription_id FROM inscriptions WHERE subject_id = ANY(%b)))

-- name: forget_homonyms
-- S7: the reviews that found somebody else than an entry, once its subject is identified otherwise
DELETE FROM homonyms WHERE inscription_id IN (SELECT inscription_id FROM inscriptions WHERE subject_id = ANY(%b))

-- name: forget_reviews
-- P6: what was found of hits and asked about entries that are forgotten; of a question random ids stay
WITH gone AS MATERIALIZED (
    SELECT unnest(%b::uuid[]) AS inscription_id
    UNION SELECT inscription_id FROM inscriptions WHERE subject_id = ANY(%b)
), dismissed AS (
    DELETE FROM homonyms WHERE inscription_id IN (SELECT inscription_id FROM gone)
), reviewed AS (
    DELETE FROM reviewed_hits WHERE inscription_id IN (SELECT inscription_id FROM gone) RETURNING note_ref
), asked AS MATERIALIZED (
    SELECT detail_id, question_ref FROM detail_requests WHERE inscription_id IN (SELECT inscription_id FROM gone)
), closed AS (
    UPDATE detail_requests d SET key = NULL, question_ref = NULL, question_commitment = NULL, due_at = NULL,
        state = CASE WHEN d.state = 'waiting' THEN 'closed' ELSE d.state END
    FROM asked WHERE d.detail_id = asked.detail_id
)
DELETE FROM vault WHERE ref IN (SELECT note_ref FROM reviewed UNION SELECT question_ref FROM asked)

-- name: forget_texts
-- P6: values that go while their owner stays
DELETE FROM vault WHERE ref = ANY(%b)

-- name: certify_texts
-- P6: texts that were redacted: what they said is gone
INSERT INTO erasures (owner, kind, organisation, basis, rule, sealed_values, journal_sequence, journal_digest,
                      decided_at, completed_at)
SELECT t.ref, 'text', t.organisation, 'redaction', 'P6', 1, t.sequence, t.digest, p.at, p.at
FROM unnest(%b::uuid[], %b::text[], %b::bigint[], %b::text[]) AS t (ref, organisation, sequence, digest),
     (SELECT %b::timestamptz AS at) AS p
ON CONFLICT (owner) DO NOTHING

-- name: named
-- P6: subjects of a case that is kept have no end yet
UPDATE subjects SET data_end_at = NULL WHERE subject_id = ANY(%b) AND data_end_at IS NOT NULL

-- name: retain
-- P6: until when subjects are retained, now that something happened to them or to their cases
UPDATE subjects s SET data_end_at = n.ends
FROM (SELECT subject_id, CASE WHEN merged_into IS NULL AND NOT erasing THEN subject_data_end_at(subject_id) END AS ends
      FROM subjects WHERE subject_id = ANY(%b)) n
WHERE s.subject_id = n.subject_id AND s.data_end_at IS DISTINCT FROM n.ends
