-- name: make
CREATE SCHEMA watchlist_next;
CREATE TABLE watchlist_next.rebuild (
    position bigint NOT NULL, caught_up bigint NOT NULL, generation smallint NOT NULL, total bigint NOT NULL,
    made_for text NOT NULL, hits_from uuid NOT NULL, swapped boolean NOT NULL DEFAULT false);
CREATE TABLE watchlist_next.parts (
    number integer PRIMARY KEY, after uuid NOT NULL, until uuid NOT NULL, events bigint NOT NULL DEFAULT 0,
    done boolean NOT NULL DEFAULT false);
CREATE TABLE watchlist_next.steps (name text PRIMARY KEY);
CREATE TABLE watchlist_next.lost (id uuid PRIMARY KEY);
CREATE TABLE watchlist_next.to_mend (owner uuid PRIMARY KEY);
CREATE TABLE watchlist_next.certificates AS SELECT * FROM watchlist.certificates WITH NO DATA;
ALTER TABLE watchlist_next.certificates ADD PRIMARY KEY (owner)

-- name: begin
-- positions commit in order: all up to this one is seen by every statement from here on
INSERT INTO watchlist_next.rebuild (position, caught_up, generation, total, made_for, hits_from)
SELECT coalesce(max(notification_id), 0), coalesce(max(notification_id), 0), %(generation)s, count(*), %(made_for)s,
       %(hits_from)s
FROM watchlist.events

-- name: divide
-- parts of about as many streams each; a sample tells where they end
INSERT INTO watchlist_next.parts (number, after, until)
SELECT row_number() OVER (ORDER BY until), lag(until, 1, '00000000-0000-0000-0000-000000000000') OVER (ORDER BY until),
       until
FROM (
    SELECT DISTINCT unnest(percentile_disc(ARRAY(SELECT n::float8 / %(parts)s FROM generate_series(1, %(parts)s - 1) n))
                           WITHIN GROUP (ORDER BY originator_id)) AS until
    FROM watchlist.events TABLESAMPLE SYSTEM (%(sample)s)
    UNION SELECT 'ffffffff-ffff-ffff-ffff-ffffffffffff'
) ends WHERE until IS NOT NULL

-- name: standing
SELECT * FROM watchlist_next.rebuild

-- name: parts
SELECT number, after, until FROM watchlist_next.parts WHERE NOT done ORDER BY number

-- name: done
SELECT coalesce(sum(events), 0)::bigint AS events FROM watchlist_next.parts

-- name: streams
SELECT notification_id, recorded_at, topic, originator_id, originator_version, state FROM watchlist.events
WHERE originator_id > %b AND originator_id <= %b ORDER BY originator_id, originator_version LIMIT %b

-- name: stories
SELECT notification_id, recorded_at, topic, originator_id, originator_version, state FROM watchlist.events
WHERE originator_id = ANY(%b) ORDER BY originator_id, originator_version

-- name: where_it_is
SELECT after, done FROM watchlist_next.parts WHERE number = %b FOR UPDATE

-- name: further
UPDATE watchlist_next.parts SET after = %b, events = events + %b WHERE number = %b

-- name: part_done
UPDATE watchlist_next.parts SET done = true WHERE number = %b AND after = %b

-- name: lose
INSERT INTO watchlist_next.lost SELECT unnest(%b::uuid[]) ON CONFLICT DO NOTHING

-- name: lost
SELECT count(*) AS n FROM watchlist_next.lost

-- name: newest
SELECT coalesce(max(notification_id), 0) AS position FROM watchlist.events

-- name: moved
SELECT DISTINCT originator_id AS id FROM watchlist.events
WHERE notification_id > (SELECT caught_up FROM watchlist_next.rebuild) AND notification_id <= %b

-- name: caught_up
UPDATE watchlist_next.rebuild SET caught_up = %b

-- name: ends
-- P6, as subject_data_end_at says it, for all at once: until when subjects are retained
UPDATE watchlist_next.subjects s SET data_end_at = n.ends
FROM (
    SELECT g.subject_id, CASE WHEN c.cases IS NULL THEN g.unnamed_until WHEN NOT c.kept THEN c.purged_at END AS ends
    FROM (SELECT coalesce(merged_into, subject_id) AS subject_id, max(unnamed_until) AS unnamed_until
          FROM watchlist_next.subjects GROUP BY 1) g
    LEFT JOIN (SELECT named.subject_id, count(*) AS cases, bool_or(purged_at IS NULL) AS kept,
                      max(purged_at) AS purged_at
               FROM watchlist_next.cases, unnest(subject_ids || victim_ids) AS named (subject_id) GROUP BY 1) c
         USING (subject_id)
) n
WHERE s.subject_id = n.subject_id AND s.merged_into IS NULL AND NOT s.erasing AND n.ends IS NOT NULL

-- name: answer
INSERT INTO watchlist_next.answerable (digest, inscription_id, given, answers_until, generation)
SELECT DISTINCT t.digest, i.inscription_id, t.given, i.ends_at, t.generation
FROM watchlist_next.inscriptions i
JOIN watchlist_next.subjects s ON coalesce(s.merged_into, s.subject_id) = i.subject_id
JOIN watchlist_next.subject_tokens t ON t.subject_id = s.subject_id
WHERE i.state = 'active' AND NOT i.restricted AND t.answers
  AND NOT EXISTS (SELECT FROM watchlist_next.stolen_tokens x WHERE x.case_id = i.case_id AND x.digest = t.digest)

-- name: carry_hits
-- L12: that a hit was told before the letter is no event; it is told by the live row alone
UPDATE watchlist_next.letters n SET hit_told_at = l.hit_told_at FROM watchlist.letters l
WHERE l.letter_id = n.letter_id AND l.hit_told_at IS NOT NULL

-- name: find_hits
CREATE INDEX letters_hit ON watchlist_next.letters (inscription_id)

-- name: carry_late_hits
-- the same of hits that were told since: disclosures have ids that follow each other in time
UPDATE watchlist_next.letters n SET hit_told_at = l.hit_told_at FROM watchlist.letters l
WHERE n.inscription_id IN (SELECT d.inscription_id FROM watchlist.disclosures d
                           WHERE d.disclosure_id >= (SELECT hits_from FROM watchlist_next.rebuild) AND d.kind = 'hit')
  AND l.letter_id = n.letter_id AND l.hit_told_at IS DISTINCT FROM n.hit_told_at

-- name: touched
-- whom these streams had to do with, as they were painted before and as they are now
SELECT subject_id AS id FROM watchlist_next.subjects WHERE subject_id = ANY(%(streams)s)
UNION SELECT merged_into FROM watchlist_next.subjects WHERE subject_id = ANY(%(streams)s) AND merged_into IS NOT NULL
UNION SELECT unnest(subject_ids || victim_ids) FROM watchlist_next.cases WHERE case_id = ANY(%(streams)s)

-- name: end_again
UPDATE watchlist_next.subjects s SET data_end_at = n.ends
FROM (
    SELECT t.subject_id, CASE
        WHEN count(c.case_id) = 0 THEN (SELECT max(o.unnamed_until) FROM watchlist_next.subjects o
                                        WHERE coalesce(o.merged_into, o.subject_id) = t.subject_id)
        WHEN bool_or(c.purged_at IS NULL) THEN NULL
        ELSE max(c.purged_at) END AS ends
    FROM watchlist_next.subjects t
    LEFT JOIN watchlist_next.cases c
        ON c.subject_ids @> ARRAY[t.subject_id] OR c.victim_ids @> ARRAY[t.subject_id]
    WHERE t.subject_id = ANY(%b) AND t.merged_into IS NULL AND NOT t.erasing
    GROUP BY t.subject_id
) n
WHERE s.subject_id = n.subject_id AND s.data_end_at IS DISTINCT FROM n.ends

-- name: silence
WITH entries AS MATERIALIZED (
    SELECT inscription_id FROM watchlist_next.inscriptions WHERE inscription_id = ANY(%(entries)s)
    UNION SELECT inscription_id FROM watchlist_next.inscriptions WHERE subject_id = ANY(%(subjects)s)
), gone AS (
    DELETE FROM watchlist_next.answerable WHERE inscription_id IN (SELECT inscription_id FROM entries)
)
SELECT inscription_id AS id FROM entries

-- name: answer_again
INSERT INTO watchlist_next.answerable (digest, inscription_id, given, answers_until, generation)
SELECT DISTINCT t.digest, i.inscription_id, t.given, i.ends_at, t.generation
FROM watchlist_next.inscriptions i
JOIN watchlist_next.subjects s ON coalesce(s.merged_into, s.subject_id) = i.subject_id
JOIN watchlist_next.subject_tokens t ON t.subject_id = s.subject_id
WHERE i.inscription_id = ANY(%b) AND i.state = 'active' AND NOT i.restricted AND t.answers
  AND NOT EXISTS (SELECT FROM watchlist_next.stolen_tokens x WHERE x.case_id = i.case_id AND x.digest = t.digest)

-- name: forget
-- what was painted of these streams, by the keys of what is painted of them now: no row of a stream ever goes
WITH a AS (DELETE FROM watchlist_next.subjects WHERE subject_id = ANY(%(streams)s)),
     b AS (DELETE FROM watchlist_next.subject_tokens WHERE subject_id = ANY(%(streams)s)),
     c AS (DELETE FROM watchlist_next.cases WHERE case_id = ANY(%(streams)s)),
     d AS (DELETE FROM watchlist_next.stolen_tokens WHERE case_id = ANY(%(streams)s)),
     e AS (DELETE FROM watchlist_next.imports WHERE import_id = ANY(%(streams)s)),
     f AS (DELETE FROM watchlist_next.rights_requests WHERE request_id = ANY(%(streams)s)),
     g AS (DELETE FROM watchlist_next.certificates WHERE owner = ANY(%(streams)s)),
     h AS (DELETE FROM watchlist_next.inscriptions WHERE inscription_id = ANY(%(entries)s)),
     i AS (DELETE FROM watchlist_next.inscription_history WHERE inscription_id = ANY(%(entries)s)),
     j AS (DELETE FROM watchlist_next.letters WHERE letter_id = ANY(%(letters)s))
DELETE FROM watchlist_next.lost WHERE id = ANY(%(streams)s)

-- name: carry_hits_of
UPDATE watchlist_next.letters n SET hit_told_at = l.hit_told_at FROM watchlist.letters l
WHERE n.letter_id = ANY(%b) AND l.letter_id = n.letter_id AND l.hit_told_at IS NOT NULL

-- name: find_to_mend
-- certificates hold what no event tells (how many values were sealed, where it is journalled): they are not swapped
INSERT INTO watchlist_next.to_mend
SELECT owner FROM watchlist.certificates l FULL JOIN watchlist_next.certificates n USING (owner)
WHERE (l.kind, l.organisation, l.basis, l.rule, l.decided_at, l.completed_at)
      IS DISTINCT FROM (n.kind, n.organisation, n.basis, n.rule, n.decided_at, n.completed_at)
ON CONFLICT DO NOTHING

-- name: mend
WITH page AS MATERIALIZED (
    DELETE FROM watchlist_next.to_mend
    WHERE owner IN (SELECT owner FROM watchlist_next.to_mend ORDER BY owner LIMIT %b) RETURNING owner
), gone AS (
    DELETE FROM watchlist.erasures e USING page
    WHERE e.owner = page.owner AND e.kind <> 'text'
      AND NOT EXISTS (SELECT FROM watchlist_next.certificates c WHERE c.owner = e.owner)
)
INSERT INTO watchlist.erasures (owner, kind, organisation, basis, rule, decided_at, completed_at)
SELECT c.owner, c.kind, c.organisation, c.basis, c.rule, c.decided_at, c.completed_at
FROM watchlist_next.certificates c JOIN page USING (owner)
ON CONFLICT (owner) DO UPDATE SET kind = excluded.kind, organisation = excluded.organisation, basis = excluded.basis,
    rule = excluded.rule, decided_at = excluded.decided_at, completed_at = excluded.completed_at

-- name: to_mend
SELECT count(*) AS n FROM watchlist_next.to_mend

-- name: take_step
INSERT INTO watchlist_next.steps VALUES (%b) ON CONFLICT DO NOTHING

-- name: swapped
UPDATE watchlist_next.rebuild SET swapped = true

-- name: carried_until
UPDATE watchlist_next.rebuild SET hits_from = %b
