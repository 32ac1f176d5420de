-- name: write
-- accesses; whoever opened a case looked at all its subjects
INSERT INTO accesses (at, access_id, operation, operator_id, organisation, role, key_id, request_id, reference, purpose,
                      screening_id, asked, hits, subject_ids)
SELECT at, access_id, operation, operator_id, organisation, role, key_id, request_id, reference, purpose,
       screening_id, asked, 0, CASE WHEN owners = '{}' THEN subject_ids ELSE subjects_of(subject_ids, owners) END
FROM json_to_recordset(%b::json) AS a (
    at timestamptz, access_id uuid, operation text, operator_id uuid, organisation text, role text, key_id text,
    request_id text, reference text, purpose text, screening_id uuid, asked integer, subject_ids uuid[], owners uuid[])

-- name: settle
-- waits for commands that are being committed, and lets none begin before this transaction is over
SELECT pg_advisory_xact_lock_shared(%b)

-- name: write_hits
-- accesses, and what is told by them: a disclosure of each hit whose entry still answers its question; a letter that
-- should have come first is late (L12). Nearly always the very look-up that answered is still there: no more is compared
WITH a AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%b::json) AS a (
        at timestamptz, access_id uuid, operation text, operator_id uuid, organisation text, role text, key_id text,
        request_id text, reference text, purpose text, screening_id uuid, asked integer)
), h AS MATERIALIZED (
    SELECT * FROM json_to_recordset(%b::json) AS h (
        access_id uuid, disclosure_id uuid, recipient text, key text, inscription_id uuid, digests bytea[],
        given bytea[], generation smallint, question bytea, met bytea, met_given bytea)
), told AS MATERIALIZED (
    SELECT h.*, a.at, a.organisation, a.operator_id, a.screening_id, a.purpose, i.organisation AS owner, i.subject_id, i.case_id
    FROM h JOIN a USING (access_id) JOIN inscriptions i USING (inscription_id)
    WHERE CASE WHEN EXISTS (SELECT FROM answerable x WHERE x.digest = h.met AND x.inscription_id = h.inscription_id
                            AND coalesce(x.given, '') = h.met_given AND x.answers_until > a.at) THEN true
               ELSE answers_to(h.inscription_id, h.digests, h.given, h.generation, a.at) END
      AND NOT EXISTS (SELECT FROM homonyms x WHERE x.inscription_id = h.inscription_id
                      AND x.organisation = a.organisation AND x.question = h.question)
), disclosed AS (
    INSERT INTO disclosures (disclosure_id, at, kind, recipient, organisation, owner, operator_id, subject_id, case_id,
                             inscription_id, screening_id, purpose)
    SELECT disclosure_id, at, 'hit', recipient, organisation, owner, operator_id, subject_id, case_id,
           inscription_id, screening_id, purpose
    FROM told
), kept AS (
    INSERT INTO hits (screening_id, key, inscription_id, disclosure_id, organisation, at, digests, given, generation,
                      question, stands)
    SELECT screening_id, key, inscription_id, disclosure_id, organisation, at, digests, given, generation,
           question, true
    FROM told
    ON CONFLICT DO NOTHING
), untold AS (
    SELECT l.letter_id, f.at
    FROM letters l JOIN (SELECT inscription_id, min(at) AS at FROM told GROUP BY 1) f USING (inscription_id)
    WHERE l.kind = 'inscription' AND l.due_at IS NOT NULL AND l.deferred_to IS NULL AND l.hit_told_at IS NULL
    ORDER BY l.letter_id FOR UPDATE OF l
), late AS (
    UPDATE letters l SET hit_told_at = u.at FROM untold u WHERE l.letter_id = u.letter_id AND l.hit_told_at IS NULL
), logged AS (
    INSERT INTO accesses (at, access_id, operation, operator_id, organisation, role, key_id, request_id, reference,
                          purpose, screening_id, asked, hits, subject_ids)
    SELECT at, access_id, operation, operator_id, organisation, role, key_id, request_id, reference,
           purpose, screening_id, asked,
           (SELECT count(DISTINCT t.key) FROM told t WHERE t.access_id = a.access_id),
           ARRAY(SELECT DISTINCT t.subject_id FROM told t WHERE t.access_id = a.access_id)
    FROM a
)
SELECT access_id, key, inscription_id FROM told
