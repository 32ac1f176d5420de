-- name: four_eyes
-- L5: entries that may not have been approved by a second person with the right to it, each way by an index of its own;
-- the rule says why
SELECT i.inscription_id AS id, i.case_id, i.subject_id, i.organisation, i.inscribed_at, i.import_id,
       i.approved_by, i.proposed_by, i.last_amended_by, b.submitted_by AS imported_by,
       a.person AS approver, a.left_at, p.person AS proposer, m.person AS amender, s.person AS importer
FROM (
    SELECT inscription_id FROM inscriptions WHERE approved_by = proposed_by OR approved_by = last_amended_by
    UNION SELECT i.inscription_id FROM imports b JOIN inscriptions i USING (import_id)
          WHERE b.approved_by = b.submitted_by AND i.approved_by IS NOT NULL
    UNION SELECT i.inscription_id FROM operators a
          JOIN operators twin ON twin.person = a.person AND twin.operator_id <> a.operator_id
          JOIN inscriptions i ON i.approved_by = a.operator_id
          LEFT JOIN imports b USING (import_id)
          WHERE twin.operator_id IN (i.proposed_by, i.last_amended_by, b.submitted_by)
    UNION SELECT i.inscription_id FROM operators a
          JOIN inscriptions i ON i.approved_by = a.operator_id AND i.inscribed_at >= a.left_at
          WHERE a.left_at IS NOT NULL
) candidates
JOIN inscriptions i USING (inscription_id)
LEFT JOIN imports b USING (import_id)
LEFT JOIN operators a ON a.operator_id = i.approved_by
LEFT JOIN operators p ON p.operator_id = i.proposed_by
LEFT JOIN operators m ON m.operator_id = i.last_amended_by
LEFT JOIN operators s ON s.operator_id = b.submitted_by
WHERE i.inscription_id > %(after)s AND (%(organisation)s::text IS NULL OR i.organisation = %(organisation)s)
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
-- C1, C2: cases whose data were there longer than a day after they were due to go, or are
SELECT case_id AS id, organisation, state, data_due_at AS due_at, purged_at
FROM (
    SELECT case_id, organisation, state, data_due_at, purged_at FROM cases WHERE purged_at IS NOT NULL AND purged_at - data_due_at > %(within)s::interval
    UNION ALL
    SELECT case_id, organisation, state, data_due_at, purged_at FROM cases WHERE purged_at IS NULL AND data_due_at < %(at)s - %(within)s::interval
) late
WHERE case_id > %(after)s AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY case_id LIMIT %(limit)s

-- name: late_notices
-- L12: sent after its last day, or overtaken by a hit, or not sent and late; to the erased nothing is due any more
SELECT letter_id AS id, kind, organisation, case_id, inscription_id, subject_id, last_day, deferred_to, sent_on,
       hit_told_at, coalesce(sent_on > last_day, false) AS sent_late, late_now
FROM (
    SELECT letter_id, bool_or(late_now) AS late_now FROM (
        SELECT letter_id, false AS late_now FROM letters WHERE sent_on > last_day OR hit_told_at IS NOT NULL
        UNION ALL
        SELECT letter_id, true FROM letters l
        WHERE due_at IS NOT NULL AND letter_late_from(due_at, deferred_to, hit_told_at) <= %(at)s
          AND NOT EXISTS (SELECT FROM subjects s WHERE s.subject_id = l.subject_id AND s.erasing)
    ) either GROUP BY letter_id
) late
JOIN letters USING (letter_id)
WHERE letter_id > %(after)s AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
ORDER BY letter_id LIMIT %(limit)s

-- name: unreviewed_hits
-- S7: hits that were told and of which nobody recorded a review; of the entries of one organisation, or of all. Nearly all
-- are reviewed, and the oldest: one look at all reviews costs less than a look for each of them
WITH reviewed AS MATERIALIZED (SELECT unnest(disclosure_ids) AS disclosure_id FROM reviews)
SELECT disclosure_id AS id, at, organisation, owner, purpose, screening_id, subject_id, case_id, inscription_id
FROM disclosures d
WHERE kind = 'hit' AND disclosure_id > %(after)s AND at <= %(at)s
  AND (%(organisation)s::text IS NULL OR owner = %(organisation)s)
  AND NOT EXISTS (SELECT FROM reviewed r WHERE r.disclosure_id = d.disclosure_id)
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
