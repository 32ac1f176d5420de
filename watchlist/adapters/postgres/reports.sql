-- name: four_eyes
-- L5: entries that may not have been approved by a second person with the right to it; the rule says why
SELECT i.inscription_id AS id, i.case_id, i.subject_id, i.organisation, i.inscribed_at, i.import_id,
       i.approved_by, i.proposed_by, i.last_amended_by, b.submitted_by AS imported_by,
       a.person AS approver, a.left_at, p.person AS proposer, m.person AS amender, s.person AS importer
FROM inscriptions i
LEFT JOIN imports b USING (import_id)
LEFT JOIN operators a ON a.operator_id = i.approved_by
LEFT JOIN operators p ON p.operator_id = i.proposed_by
LEFT JOIN operators m ON m.operator_id = i.last_amended_by
LEFT JOIN operators s ON s.operator_id = b.submitted_by
WHERE i.approved_by IS NOT NULL AND i.inscription_id > %(after)s
  AND (%(organisation)s::text IS NULL OR i.organisation = %(organisation)s)
  AND (i.approved_by IN (i.proposed_by, i.last_amended_by, b.submitted_by)
       OR a.person IN (p.person, m.person, s.person) OR a.left_at <= i.inscribed_at)
ORDER BY i.inscription_id LIMIT %(limit)s

-- name: held
-- L13: entries that are on the list past their term
SELECT inscription_id AS id, case_id, subject_id, organisation, inscribed_on, term_months, last_listed_day, held_by,
       restricted, hold_review_due_at
FROM inscriptions
WHERE state = 'active' AND listed_until <= %(at)s AND ends_at > %(at)s AND inscription_id > %(after)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY inscription_id LIMIT %(limit)s

-- name: late_purges
-- C1, C2: cases whose data were there longer than a day after they were due to go
SELECT case_id AS id, organisation, state, data_due_at AS due_at, purged_at
FROM cases
WHERE data_due_at < coalesce(purged_at, %(at)s) - %(within)s::interval AND case_id > %(after)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY case_id LIMIT %(limit)s

-- name: late_notices
-- L12: sent after its last day, or not sent and late, or overtaken by a hit; to the erased nothing is due any more
SELECT letter_id AS id, kind, organisation, case_id, inscription_id, subject_id, last_day, deferred_to, sent_on,
       hit_told_at, sent_late, late_now
FROM (
    SELECT l.*, coalesce(sent_on > last_day, false) AS sent_late,
           coalesce(letter_late_from(due_at, deferred_to, hit_told_at) <= %(at)s, false) AS late_now
    FROM letters l
    WHERE sent_on > last_day OR hit_told_at IS NOT NULL
       OR letter_late_from(due_at, deferred_to, hit_told_at) <= %(at)s AND due_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM subjects s WHERE s.subject_id = l.subject_id AND s.erasing)
) late
WHERE letter_id > %(after)s AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY letter_id LIMIT %(limit)s

-- name: unreviewed_hits
-- S7: hits that were told and of which nobody recorded a review; of the entries of one organisation, or of all
SELECT disclosure_id AS id, at, organisation, owner, purpose, screening_id, subject_id, case_id, inscription_id
FROM disclosures d
WHERE kind = 'hit' AND disclosure_id > %(after)s AND at <= %(at)s
  AND (%(organisation)s::text IS NULL OR owner = %(organisation)s)
  AND NOT EXISTS (SELECT FROM reviews r
                  WHERE r.screening_id = d.screening_id AND d.disclosure_id = ANY(r.disclosure_ids))
ORDER BY disclosure_id LIMIT %(limit)s

-- name: settle
-- waits for commands that were stamped before now and are not committed yet
SELECT pg_advisory_xact_lock_shared(%b)

-- name: sample_entries
SELECT inscription_id AS id, case_id, organisation, inscribed_at AS at,
       sha256(convert_to(%(seed)s || ':' || inscription_id::text, 'UTF8')) AS rank
FROM inscriptions
WHERE inscribed_at >= %(since)s AND inscribed_at <= %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY rank, id LIMIT %(size)s

-- name: sample_cases
SELECT case_id AS id, case_id, organisation, opened_at AS at,
       sha256(convert_to(%(seed)s || ':' || case_id::text, 'UTF8')) AS rank
FROM cases
WHERE opened_at >= %(since)s AND opened_at <= %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY rank, id LIMIT %(size)s

-- name: sample_screenings
SELECT screening_id AS id, organisation, at, purpose, asked, hits,
       sha256(convert_to(%(seed)s || ':' || screening_id::text, 'UTF8')) AS rank
FROM accesses
WHERE screening_id IS NOT NULL AND asked > 0 AND at >= %(since)s AND at <= %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY rank, id LIMIT %(size)s

-- name: population_entries
SELECT count(*) AS n FROM inscriptions
WHERE inscribed_at >= %(since)s AND inscribed_at <= %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)

-- name: population_cases
SELECT count(*) AS n FROM cases
WHERE opened_at >= %(since)s AND opened_at <= %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)

-- name: population_screenings
SELECT count(*) AS n FROM accesses
WHERE screening_id IS NOT NULL AND asked > 0 AND at >= %(since)s AND at <= %(at)s
  AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
