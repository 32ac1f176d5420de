-- name: cases
-- one row per case, as it stands
INSERT INTO cases SELECT * FROM json_populate_recordset(NULL::cases, %b::json)
ON CONFLICT (case_id) DO UPDATE SET
    state = excluded.state, closed_at = excluded.closed_at, last_active_at = excluded.last_active_at,
    alert_ends_at = excluded.alert_ends_at, inactive_at = excluded.inactive_at,
    data_end_at = excluded.data_end_at, subject_ids = excluded.subject_ids, version = excluded.version

-- name: activity
-- a case in which something was found: the commonest command, and nothing else of the row differs
UPDATE cases SET last_active_at = %b, inactive_at = %b, version = %b WHERE case_id = %b

-- name: inscriptions
-- one row per inscription, as it stands
INSERT INTO inscriptions SELECT * FROM json_populate_recordset(NULL::inscriptions, %b::json)
ON CONFLICT (inscription_id) DO UPDATE SET
    subject_id = excluded.subject_id, state = excluded.state, grounds = excluded.grounds,
    term_months = excluded.term_months, inscribed_at = excluded.inscribed_at,
    inscribed_on = excluded.inscribed_on, last_listed_day = excluded.last_listed_day,
    listed_until = excluded.listed_until, ends_at = excluded.ends_at, held_by = excluded.held_by,
    restricted = excluded.restricted, letter_due_at = excluded.letter_due_at,
    delisted_at = excluded.delisted_at, delisting_ground = excluded.delisting_ground

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
-- one row per subject, as it stands
INSERT INTO subjects SELECT * FROM json_populate_recordset(NULL::subjects, %b::json)
ON CONFLICT (subject_id) DO UPDATE SET
    identified = excluded.identified, deceased = excluded.deceased,
    merged_into = excluded.merged_into, version = excluded.version

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

-- name: entries_of
-- the entries that stand for subjects whose identity changed
SELECT inscription_id AS id FROM inscriptions WHERE subject_id = ANY(%b) AND state = 'active'

-- name: imports
-- one row per import
INSERT INTO imports SELECT * FROM json_populate_recordset(NULL::imports, %b::json)
ON CONFLICT (import_id) DO UPDATE SET approved_by = excluded.approved_by,
    submitted_at = excluded.submitted_at, submitted_by = excluded.submitted_by,
    accepted = excluded.accepted, refused = excluded.refused

-- name: imported_lines
-- L7: a line imported once is refused by this key ever after
INSERT INTO imported_lines (fingerprint, inscription_id, generation)
SELECT * FROM unnest(%b::bytea[], %b::uuid[], %b::smallint[])

-- name: case_references
-- the cases an import made, by the other register's reference
INSERT INTO case_references (digest, case_id, generation)
SELECT * FROM unnest(%b::bytea[], %b::uuid[], %b::smallint[])
