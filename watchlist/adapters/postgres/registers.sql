-- name: accesses
-- by those of one organisation, or of all, from behind a row on; an organisation is shown the ids of its own subjects
-- alone: those of others would tell it how many of them know the person (C6, S1)
SELECT at, access_id, operation, operator_id, organisation, role, key_id, request_id, reference, purpose,
       screening_id, asked, hits,
       CASE WHEN %(organisation)s::text IS NULL THEN subject_ids
            ELSE ARRAY(SELECT s.subject_id FROM subjects s
                       WHERE s.subject_id = ANY(subject_ids) AND s.organisation = %(organisation)s
                       ORDER BY s.subject_id) END AS subject_ids
FROM (
    SELECT at, access_id, operation, operator_id, organisation, role, key_id, request_id, reference, purpose,
           screening_id, asked, hits, subject_ids
    FROM accesses
    WHERE at >= %(since)s AND at < %(until)s AND (at, access_id) > (%(at)s, %(after)s)
      AND (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
      AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)
      AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)
      AND (%(of)s::text IS NULL OR organisation = %(of)s)
    ORDER BY at, access_id LIMIT %(limit)s
) found
ORDER BY at, access_id

-- name: accesses_about
-- who looked at a person of one's own organisation (of any: null), under whichever of their subjects, and whoever it
-- was; of others' requests only what concerns the person, of one's own the ids of one's own subjects
SELECT at, access_id, operation, operator_id, organisation, role, purpose, screening_id,
       CASE WHEN own THEN key_id END AS key_id, CASE WHEN own THEN request_id END AS request_id,
       CASE WHEN own THEN reference END AS reference, CASE WHEN own THEN asked END AS asked,
       CASE WHEN own THEN hits END AS hits,
       CASE WHEN NOT own THEN ARRAY(SELECT id FROM unnest(subject_ids) AS id WHERE id = ANY(person))
            WHEN %(organisation)s::text IS NULL THEN subject_ids
            ELSE ARRAY(SELECT s.subject_id FROM subjects s
                       WHERE s.subject_id = ANY(subject_ids) AND s.organisation = %(organisation)s
                       ORDER BY s.subject_id) END AS subject_ids
FROM (
    SELECT a.at, a.access_id, a.operation, a.operator_id, a.organisation, a.role, a.key_id, a.request_id,
           a.reference, a.purpose, a.screening_id, a.asked, a.hits, a.subject_ids,
           p.person, coalesce(a.organisation = %(organisation)s, true) AS own
    FROM (SELECT array_agg(s.subject_id) AS person, bool_or(s.organisation = %(organisation)s) AS ours
          FROM subjects asked JOIN subjects s
            ON coalesce(s.merged_into, s.subject_id) = coalesce(asked.merged_into, asked.subject_id)
          WHERE asked.subject_id = %(subject)s) p
    JOIN accesses a ON a.subject_ids && p.person AND a.subject_ids <> '{}'
    WHERE a.at >= %(since)s AND a.at < %(until)s AND (a.at, a.access_id) > (%(at)s, %(after)s)
      AND (%(organisation)s::text IS NULL OR p.ours)
      AND (%(operator)s::uuid IS NULL OR a.operator_id = %(operator)s)
      AND (%(purpose)s::text IS NULL OR a.purpose = %(purpose)s)
      AND (%(of)s::text IS NULL OR a.organisation = %(of)s)
) found
ORDER BY at, access_id LIMIT %(limit)s

-- name: disclosures
-- what was told of the subjects of one organisation, or of all; whether a hit still stands, what a person found when
-- they reviewed it last, and what was told since
SELECT d.disclosure_id, d.at, d.kind, d.recipient, d.organisation, d.owner, d.operator_id, d.subject_id, d.case_id,
       d.inscription_id, d.screening_id, d.purpose, d.told_on, CASE WHEN d.kind = 'hit' THEN coalesce(h.stands, false) END AS stands,
       (SELECT r.outcome FROM reviews r
        WHERE d.kind = 'hit' AND r.screening_id = d.screening_id AND d.disclosure_id = ANY(r.disclosure_ids)
        ORDER BY r.number DESC LIMIT 1) AS reviewed_as,
       coalesce((
           SELECT json_agg(json_build_object('kind', c.kind, 'told_at', c.at, 'acknowledged_at', k.at) ORDER BY c.sequence)
           FROM changes c LEFT JOIN change_acknowledgements k USING (organisation, sequence)
           WHERE c.screening_id = d.screening_id AND c.organisation = d.organisation
             AND (c.key = h.key OR c.inscription_id = d.inscription_id)), '[]') AS changes
FROM (
    SELECT disclosure_id, at, kind, recipient, organisation, owner, operator_id, subject_id, case_id,
           inscription_id, screening_id, purpose, told_on
    FROM disclosures
    WHERE disclosure_id > %(after)s
      AND (%(owner)s::text IS NULL OR owner = %(owner)s)
      AND (%(kind)s::text IS NULL OR kind = %(kind)s)
      AND (%(to)s::text IS NULL OR organisation = %(to)s)
      AND (%(subject)s::uuid IS NULL OR subject_id = ANY(ARRAY(
            SELECT s.subject_id FROM subjects asked JOIN subjects s
              ON coalesce(s.merged_into, s.subject_id) = coalesce(asked.merged_into, asked.subject_id)
            WHERE asked.subject_id = %(subject)s)))
      AND (%(inscription)s::uuid IS NULL OR inscription_id = %(inscription)s)
      AND (%(operator)s::uuid IS NULL OR operator_id = %(operator)s)
      AND (%(purpose)s::text IS NULL OR purpose = %(purpose)s)
      AND at >= %(since)s AND at < %(until)s
    ORDER BY disclosure_id LIMIT %(limit)s
) d
LEFT JOIN hits h ON h.screening_id = d.screening_id AND h.inscription_id = d.inscription_id
                AND h.disclosure_id = d.disclosure_id
ORDER BY d.disclosure_id

-- name: disclosure
SELECT disclosure_id, at, kind, recipient, organisation, owner, operator_id, subject_id, case_id, inscription_id,
       screening_id, purpose, told_on, told_ref, told_commitment
FROM disclosures WHERE disclosure_id = %b

-- name: disclosed_of
-- everything that was told of these subjects
SELECT at, kind, recipient, organisation, subject_id, screening_id, told_ref, told_commitment
FROM disclosures WHERE subject_id = ANY(%b)
ORDER BY at, disclosure_id

-- name: consulted_of
-- every access to these subjects
SELECT at, organisation, role, purpose FROM accesses WHERE subject_ids && %b AND subject_ids <> '{}'
ORDER BY at, access_id

-- name: settle
SELECT pg_advisory_xact_lock_shared(%b)

-- name: require_unchanged
-- refused when the subject's stream has gone on since this was decided, or ends before it (a server that lost its end)
SELECT require_unchanged(%(streams)s, %(versions)s),
       goes_on(%(streams)s, ARRAY(SELECT version + 1 FROM unnest(%(versions)s::bigint[]) WITH ORDINALITY AS v (version, place)
                                  ORDER BY place))

-- name: disclose
-- a communication made by hand: what was told goes to the vault, and the command is remembered
WITH kept AS (
    INSERT INTO vault (ref, owner, field, ciphertext) VALUES (%(ref)s, %(subject_id)s, %(field)s, %(ciphertext)s)
), remembered AS (
    INSERT INTO commands (command_id, mac, answer, position, recorded_at)
    SELECT %(command_id)s, %(mac)s, %(answer)s, %(position)s, %(at)s
)
INSERT INTO disclosures (disclosure_id, at, kind, recipient, owner, operator_id, subject_id, case_id, told_on, told_ref,
                         told_commitment)
VALUES (%(disclosure_id)s, %(at)s, 'by_hand', %(recipient)s, %(owner)s, %(operator_id)s, %(subject_id)s, %(case_id)s,
        %(told_on)s, %(ref)s, %(commitment)s)

-- name: answered
-- what a recorded command answered
SELECT mac, answer, position FROM commands WHERE command_id = %b

-- name: make_months
SELECT make_access_months(%b, %b) AS n

-- name: forget_months
SELECT forget_accesses(%b) AS n
