-- name: ask
-- one question, for each entry that its hit was on, if the hit is still there
INSERT INTO detail_requests (detail_id, request_id, at, organisation, operator_id, screening_id, key, disclosure_id, owner,
                             subject_id, case_id, inscription_id, question_ref, question_commitment, state, due_at)
SELECT q.detail_id, %(request_id)s, %(at)s, %(organisation)s, %(operator_id)s, %(screening_id)s, %(key)s,
       q.disclosure_id, q.owner, q.subject_id, q.case_id, q.inscription_id, q.ref, q.commitment, 'waiting', %(due_at)s
FROM unnest(%(details)s::uuid[], %(disclosures)s::uuid[], %(owners)s::text[], %(subjects)s::uuid[], %(cases)s::uuid[],
            %(entries)s::uuid[], %(refs)s::uuid[], %(commitments)s::bytea[])
     AS q (detail_id, disclosure_id, owner, subject_id, case_id, inscription_id, ref, commitment)
WHERE EXISTS (SELECT FROM hits h WHERE h.screening_id = %(screening_id)s AND h.key = %(key)s
              AND h.inscription_id = q.inscription_id AND h.organisation = %(organisation)s)

-- name: answer
-- what its owner answered, once
UPDATE detail_requests SET state = %(state)s, due_at = NULL, answered_at = %(at)s, answered_by = %(by)s,
    answered_of = %(subject_id)s, answer_ref = %(ref)s, answer_commitment = %(commitment)s
WHERE detail_id = %(detail_id)s AND state = 'waiting'

-- name: tell
-- S8: details told are a disclosure, to whom the hit was
INSERT INTO disclosures (disclosure_id, at, kind, recipient, organisation, owner, operator_id, subject_id, case_id,
                         inscription_id, screening_id, purpose, told_ref, told_commitment)
SELECT %(disclosure_id)s, r.answered_at, 'detail', d.recipient, r.organisation, r.owner, r.answered_by, r.answered_of,
       r.case_id, r.inscription_id, r.screening_id, d.purpose, r.answer_ref, r.answer_commitment
FROM detail_requests r JOIN disclosures d USING (disclosure_id) WHERE r.detail_id = %(detail_id)s

-- name: one
SELECT detail_id, at, organisation, owner, subject_id, case_id, inscription_id, screening_id, question_ref,
       question_commitment, state, due_at, answered_at, answered_by, answered_of, answer_ref, answer_commitment
FROM detail_requests WHERE detail_id = %(detail_id)s

-- name: of_screening
-- questions about the hits of a screening in the order in which they were asked, each entry by entry
SELECT request_id, at, key, operator_id, subject_id, question_ref, question_commitment, state, answered_at, answered_of,
       answer_ref, answer_commitment
FROM detail_requests
WHERE request_id IN (
    SELECT DISTINCT request_id FROM detail_requests
    WHERE screening_id = %(screening_id)s AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
      AND request_id > %(after)s
    ORDER BY request_id LIMIT %(limit)s)
ORDER BY request_id, detail_id

-- name: of_owner
-- what one organisation, or any, was asked, by id, which is by time
SELECT detail_id, at, organisation, owner, subject_id, case_id, inscription_id, state, due_at, answered_at
FROM detail_requests
WHERE detail_id > %(after)s AND (%(owner)s::text IS NULL OR owner = %(owner)s)
  AND (%(state)s::text IS NULL OR state = %(state)s)
ORDER BY detail_id LIMIT %(limit)s
