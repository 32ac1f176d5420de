-- name: hit
-- the entries of a hit that an organisation was told, but for those of subjects whose erasure was decided
SELECT h.inscription_id, h.disclosure_id, i.subject_id, i.case_id, i.organisation AS owner,
       answers_to(h.inscription_id, h.digests, h.given, h.generation, %(at)s) AS answers,
       EXISTS (SELECT FROM homonyms x WHERE x.inscription_id = h.inscription_id
               AND x.organisation = h.organisation AND x.question = h.question) AS dismissed
FROM hits h JOIN inscriptions i USING (inscription_id) JOIN subjects s ON s.subject_id = i.subject_id
WHERE h.screening_id = %(screening_id)s AND h.key = %(key)s AND h.organisation = %(organisation)s AND NOT s.erasing
ORDER BY h.inscription_id

-- name: last
-- what was found last of a hit
SELECT r.review_id, r.outcome, v.subject_id, v.note_ref, v.note_commitment
FROM reviews r JOIN reviewed_hits v USING (review_id)
WHERE r.screening_id = %(screening_id)s AND r.organisation = %(organisation)s AND v.key = %(key)s
ORDER BY r.number DESC, v.inscription_id LIMIT 1

-- name: require_last
-- refused when this is not the hit, or not the last review of it, that was decided on
SELECT require_reviewed_last(%(organisation)s, %(screening_id)s, %(key)s, %(entries)s::uuid[], %(last)s::uuid)

-- name: record
-- the outcome, which stays; and what it was about, which goes with the entry or its subject
WITH found AS (
    INSERT INTO reviews (review_id, at, organisation, operator_id, screening_id, outcome, disclosure_ids)
    VALUES (%(review_id)s, %(at)s, %(organisation)s, %(operator_id)s, %(screening_id)s, %(outcome)s,
            %(disclosures)s::uuid[])
)
INSERT INTO reviewed_hits (review_id, inscription_id, key, subject_id, note_ref, note_commitment)
SELECT %(review_id)s, e.inscription_id, %(key)s, e.subject_id, e.ref, e.commitment
FROM unnest(%(entries)s::uuid[], %(subjects)s::uuid[], %(refs)s::uuid[], %(commitments)s::bytea[])
     AS e (inscription_id, subject_id, ref, commitment)

-- name: dismiss
-- S7: this organisation's same question hits no more on these entries, whenever it is asked or was
WITH told AS MATERIALIZED (
    SELECT inscription_id, organisation, question FROM hits
    WHERE screening_id = %(screening_id)s AND key = %(key)s AND organisation = %(organisation)s
), dismissed AS (
    INSERT INTO homonyms (organisation, question, inscription_id, review_id)
    SELECT organisation, question, inscription_id, %(review_id)s FROM told
    ON CONFLICT DO NOTHING
)
UPDATE hits h SET stands = false FROM told t
WHERE h.inscription_id = t.inscription_id AND h.organisation = t.organisation AND h.question = t.question AND h.stands

-- name: take_back
-- S7: another outcome came after: what was dismissed, and nothing else, hits again where its entry still answers
WITH told AS MATERIALIZED (
    SELECT inscription_id, organisation, question FROM hits
    WHERE screening_id = %(screening_id)s AND key = %(key)s AND organisation = %(organisation)s
), taken_back AS (
    DELETE FROM homonyms x USING told t
    WHERE x.inscription_id = t.inscription_id AND x.organisation = t.organisation AND x.question = t.question
    RETURNING x.inscription_id, x.organisation, x.question
)
UPDATE hits h SET stands = answers_to(h.inscription_id, h.digests, h.given, h.generation, %(at)s) FROM taken_back t
WHERE h.inscription_id = t.inscription_id AND h.organisation = t.organisation AND h.question = t.question
RETURNING h.stands

-- name: of_screening
-- reviews of a screening's hits in their order from behind one of them on, once whatever number of entries they are
-- about; as long as they are kept. Whoever asks never sees the number: it counts the reviews of everybody
SELECT DISTINCT ON (r.number) r.number, r.review_id, r.at, r.operator_id, v.key, r.outcome, v.subject_id, v.note_ref,
       v.note_commitment
FROM reviews r JOIN reviewed_hits v USING (review_id)
WHERE r.screening_id = %(screening_id)s AND (%(organisation)s::text IS NULL OR r.organisation = %(organisation)s)
  AND r.number > coalesce((SELECT number FROM reviews WHERE review_id = %(after)s), 0)
ORDER BY r.number, v.inscription_id LIMIT %(limit)s

-- name: unreviewed
-- hits that an organisation, or anybody, was told and that nobody reviewed
SELECT count(*) AS n FROM disclosures d
WHERE d.kind = 'hit' AND (%(organisation)s::text IS NULL OR d.organisation = %(organisation)s)
  AND NOT EXISTS (SELECT FROM reviews r
                  WHERE r.screening_id = d.screening_id AND d.disclosure_id = ANY(r.disclosure_ids))
