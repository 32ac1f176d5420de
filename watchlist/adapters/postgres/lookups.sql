-- name: generations
SELECT generation, state, key_id FROM lookup_generations ORDER BY generation

-- name: holds_data_keys
SELECT FROM watchlist_keys.data_keys LIMIT 1

-- name: recorded
SELECT FROM events LIMIT 1

-- name: began
INSERT INTO lookup_generations (generation, state) VALUES (1, 'current') ON CONFLICT DO NOTHING

-- name: identified
UPDATE lookup_generations SET key_id = %b WHERE generation = %b AND key_id IS NULL

-- name: arrive
INSERT INTO lookup_generations (generation, state, key_id) VALUES (%b, 'arriving', %b)

-- name: subjects_lacking
-- of the next subjects, by id, who is found under another generation and not under this one
WITH page AS MATERIALIZED (
    SELECT subject_id FROM subjects WHERE subject_id > %(after)s ORDER BY subject_id LIMIT %(limit)s
)
SELECT p.subject_id AS id, found.under_others AND NOT found.under_this AS lacks
FROM page p CROSS JOIN LATERAL (
    SELECT coalesce(bool_or(t.generation <> %(generation)s), false) AS under_others,
           coalesce(bool_or(t.generation = %(generation)s), false) AS under_this
    FROM subject_tokens t WHERE t.subject_id = p.subject_id
) AS found
ORDER BY p.subject_id

-- name: cases_lacking
-- by their number: a victim that was recorded since the rotation began is known under both generations already
WITH counted AS (
    SELECT case_id, generation, state FROM stolen_tokens JOIN lookup_generations USING (generation)
    UNION ALL
    SELECT case_id, generation, state FROM case_references JOIN lookup_generations USING (generation)
)
SELECT case_id AS id FROM counted GROUP BY case_id
HAVING count(*) FILTER (WHERE generation = %(generation)s) < count(*) FILTER (WHERE state = 'current')

-- name: fill_subjects
-- the look-ups of subjects that are still as they were when these were made
INSERT INTO subject_tokens (digest, subject_id, organisation, given, answers, generation)
SELECT n.digest, s.subject_id, s.organisation, n.given, n.answers, %b
FROM unnest(%b::uuid[], %b::bigint[], %b::bytea[], %b::bytea[], %b::boolean[])
     AS n (subject_id, version, digest, given, answers)
JOIN subjects s ON s.subject_id = n.subject_id AND s.version = n.version
ON CONFLICT DO NOTHING

-- name: answer_too
-- what the entries of these subjects answer under one generation, beside what they answer already
INSERT INTO answerable (digest, inscription_id, given, answers_until, generation)
SELECT DISTINCT t.digest, i.inscription_id, t.given, i.ends_at, t.generation
FROM subjects s
JOIN inscriptions i ON i.subject_id = coalesce(s.merged_into, s.subject_id)
JOIN subject_tokens t ON t.subject_id = s.subject_id
WHERE s.subject_id = ANY(%b) AND i.state = 'active' AND NOT i.restricted AND t.answers AND t.generation = %b
  AND NOT EXISTS (SELECT FROM stolen_tokens x WHERE x.case_id = i.case_id AND x.digest = t.digest)
ON CONFLICT DO NOTHING

-- name: fill_stolen
INSERT INTO stolen_tokens (case_id, digest, generation)
SELECT c.case_id, n.digest, %b FROM unnest(%b::bytea[]) AS n (digest)
JOIN cases c ON c.case_id = %b AND c.version = %b
ON CONFLICT DO NOTHING

-- name: silence_stolen
DELETE FROM answerable a USING inscriptions i, stolen_tokens x
WHERE i.case_id = %b AND a.inscription_id = i.inscription_id AND a.generation = %b
  AND x.case_id = i.case_id AND x.digest = a.digest

-- name: fill_reference
INSERT INTO case_references (digest, case_id, generation)
SELECT %b, case_id, %b FROM cases WHERE case_id = %b AND version = %b ON CONFLICT DO NOTHING

-- name: unequal
SELECT count(*) AS entries FROM (
    SELECT FROM answerable a JOIN lookup_generations g USING (generation)
    WHERE g.state = 'current' OR a.generation = %(generation)s
    GROUP BY a.inscription_id
    HAVING count(*) FILTER (WHERE a.generation = %(generation)s) < count(*) FILTER (WHERE g.state = 'current')
) AS differing

-- name: retire
UPDATE lookup_generations SET state = 'retired' WHERE state = 'current'

-- name: make_current
UPDATE lookup_generations SET state = 'current' WHERE generation = %b AND state = 'arriving'

-- name: forget_answerable
-- of the next entries, by id, what they answered under retired generations; no row when there are no further ones
WITH next AS (
    SELECT inscription_id AS last FROM (
        SELECT inscription_id FROM answerable WHERE inscription_id > %(after)s ORDER BY inscription_id LIMIT %(limit)s
    ) AS page ORDER BY 1 DESC LIMIT 1
), gone AS (
    DELETE FROM answerable a USING next, lookup_generations g
    WHERE a.inscription_id > %(after)s AND a.inscription_id <= next.last
      AND g.generation = a.generation AND g.state = 'retired'
    RETURNING 1
)
SELECT next.last, (SELECT count(*) FROM gone) AS deleted FROM next

-- name: forget_subject_tokens
WITH next AS (
    SELECT subject_id AS last FROM (
        SELECT subject_id FROM subject_tokens WHERE subject_id > %(after)s ORDER BY subject_id LIMIT %(limit)s
    ) AS page ORDER BY 1 DESC LIMIT 1
), gone AS (
    DELETE FROM subject_tokens t USING next, lookup_generations g
    WHERE t.subject_id > %(after)s AND t.subject_id <= next.last
      AND g.generation = t.generation AND g.state = 'retired'
    RETURNING 1
)
SELECT next.last, (SELECT count(*) FROM gone) AS deleted FROM next

-- name: forget_stolen_tokens
DELETE FROM stolen_tokens x USING lookup_generations g WHERE g.generation = x.generation AND g.state = 'retired'

-- name: forget_case_references
DELETE FROM case_references x USING lookup_generations g WHERE g.generation = x.generation AND g.state = 'retired'

-- name: unforgotten
SELECT EXISTS (SELECT FROM answerable JOIN lookup_generations g USING (generation) WHERE g.state = 'retired')
    OR EXISTS (SELECT FROM subject_tokens JOIN lookup_generations g USING (generation) WHERE g.state = 'retired')
    OR EXISTS (SELECT FROM stolen_tokens JOIN lookup_generations g USING (generation) WHERE g.state = 'retired')
    OR EXISTS (SELECT FROM case_references JOIN lookup_generations g USING (generation) WHERE g.state = 'retired')
    AS some

-- name: without_rows
-- retired, and nothing is left that only their key finds
SELECT generation FROM lookup_generations g
WHERE state = 'retired' AND NOT EXISTS (SELECT FROM imported_lines x WHERE x.generation = g.generation)

-- name: destroyed
UPDATE lookup_generations SET state = 'destroyed' WHERE generation = %b AND state = 'retired'

-- name: counted
SELECT g.generation, g.state,
       (SELECT count(*) FROM subject_tokens t WHERE t.generation = g.generation) AS subject_tokens,
       (SELECT count(*) FROM answerable a WHERE a.generation = g.generation) AS answerable,
       (SELECT count(*) FROM imported_lines x WHERE x.generation = g.generation) AS imported_lines
FROM lookup_generations g ORDER BY g.generation
