-- name: alone
-- one transaction makes the log longer at a time; what it reads then is what the one before it left
SELECT pg_advisory_xact_lock(%b)

-- name: last
SELECT size, root, at, position, note FROM checkpoints ORDER BY size DESC LIMIT 1

-- name: now
SELECT clock_timestamp() AS now

-- name: published
-- checkpoints with the lines of those who cosigned
SELECT c.size, c.root, c.at, c.position,
       c.note || coalesce((SELECT string_agg(s.line, '' ORDER BY s.at, s.witness)
                           FROM cosignatures s WHERE s.size = c.size), '') AS note
FROM checkpoints c WHERE c.size > %b ORDER BY c.size LIMIT %b

-- name: at_size
SELECT c.size, c.root, c.at, c.position,
       c.note || coalesce((SELECT string_agg(s.line, '' ORDER BY s.at, s.witness)
                           FROM cosignatures s WHERE s.size = c.size), '') AS note
FROM checkpoints c WHERE c.size = coalesce(%b::bigint, (SELECT max(size) FROM checkpoints))

-- name: tiles
SELECT level, tile, hashes FROM seal_tiles JOIN unnest(%b::smallint[], %b::bigint[]) AS w (level, tile) USING (level, tile)

-- name: lines_after
-- the leaves of events behind a position; watchlist.audit.leaf writes the same bytes
COPY (
    SELECT notification_id,
           convert_to('{"position":' || notification_id || ',"recorded_at":"'
                      || replace(to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')
                      || '","topic":' || to_json(topic) || ',"stream":"' || originator_id
                      || '","version":' || originator_version || ',"state":', 'UTF8') || state || '}'::bytea
    FROM events WHERE notification_id > %s ORDER BY notification_id LIMIT %s
) TO STDOUT (FORMAT binary)

-- name: lines_between
-- the same, until a position
COPY (
    SELECT notification_id,
           convert_to('{"position":' || notification_id || ',"recorded_at":"'
                      || replace(to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')
                      || '","topic":' || to_json(topic) || ',"stream":"' || originator_id
                      || '","version":' || originator_version || ',"state":', 'UTF8') || state || '}'::bytea
    FROM events WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id
) TO STDOUT (FORMAT binary)

-- name: last_event_leaf
-- where the last event stands that is sealed, and the event
SELECT l.tile, array_position(l.sources, %(position)s::bigint) AS place, %(position)s::bigint AS position,
       e.recorded_at, e.topic, e.originator_id AS stream, e.originator_version AS version, e.state
FROM (SELECT tile, sources FROM seal_leaves WHERE first_position <= %(position)s
      ORDER BY first_position DESC LIMIT 1) l
LEFT JOIN events e ON e.notification_id = %(position)s

-- name: leaf
-- where an event stands, the event, and the last size that was published
SELECT l.tile, array_position(l.sources, %(position)s::bigint) AS place, (SELECT max(size) FROM checkpoints) AS size,
       e.notification_id AS position, e.recorded_at, e.topic, e.originator_id AS stream,
       e.originator_version AS version, e.state
FROM (SELECT tile, sources FROM seal_leaves WHERE first_position <= %(position)s
      ORDER BY first_position DESC LIMIT 1) l
JOIN events e ON e.notification_id = %(position)s

-- name: size
SELECT coalesce(max(size), 0) AS size FROM checkpoints

-- name: keys
SELECT key FROM seal_keys ORDER BY since, key

-- name: stamps
SELECT size, at, authority, token FROM stamps WHERE size > %b ORDER BY size, at LIMIT %b

-- name: unsealed
-- how many events wait to be sealed, and since when the oldest
SELECT count(*) AS events, min(recorded_at) AS since FROM events
WHERE notification_id > coalesce((SELECT position FROM checkpoints ORDER BY size DESC LIMIT 1), 0)

-- name: unsealed_since
SELECT recorded_at AS since FROM events
WHERE notification_id > coalesce((SELECT position FROM checkpoints ORDER BY size DESC LIMIT 1), 0)
ORDER BY notification_id LIMIT 1

-- name: first_day_of_accesses
-- the first day that is not sealed yet: after the last one, or that of the first row
SELECT coalesce((SELECT max(day) + 1 FROM seal_digests WHERE register = 'accesses'),
                (SELECT at::date FROM accesses ORDER BY at LIMIT 1)) AS day

-- name: first_day_of_disclosures
SELECT coalesce((SELECT max(day) + 1 FROM seal_digests WHERE register = 'disclosures'),
                (SELECT min(at)::date FROM disclosures)) AS day

-- name: days_of_accesses
-- the rows of some days in their order; the columns are named, so that one that is added later changes no old digest
COPY (
    SELECT at::date - '2000-01-01'::date, convert_to(row_to_json(r)::text, 'UTF8')
    FROM (SELECT at, access_id, operation, operator_id, organisation, role, key_id, request_id, reference, purpose,
                 screening_id, asked, hits, subject_ids
          FROM accesses WHERE at >= %s AND at < %s) r
    ORDER BY at, access_id
) TO STDOUT (FORMAT binary)

-- name: days_of_disclosures
COPY (
    SELECT at::date - '2000-01-01'::date, convert_to(row_to_json(r)::text, 'UTF8')
    FROM (SELECT at, disclosure_id, kind, recipient, organisation, owner, operator_id, subject_id, case_id,
                 inscription_id, screening_id, purpose, told_on, told_ref, told_commitment
          FROM disclosures WHERE at >= %s AND at < %s) r
    ORDER BY at, disclosure_id
) TO STDOUT (FORMAT binary)

-- name: last_digest
SELECT coalesce(max(digest_id), 0) AS id FROM seal_digests

-- name: lengthen_tile
UPDATE seal_tiles SET hashes = %(hashes)s WHERE level = %(level)s AND tile = %(tile)s

-- name: lengthen_leaves
UPDATE seal_leaves SET sources = sources || %(sources)s::bigint[],
                       first_position = coalesce(first_position, %(first)s::bigint)
WHERE tile = %(tile)s

-- name: new_tiles
COPY seal_tiles (level, tile, hashes) FROM STDIN (FORMAT binary)

-- name: new_leaves
COPY seal_leaves (tile, first_position, sources) FROM STDIN (FORMAT binary)

-- name: keep_digest
INSERT INTO seal_digests (digest_id, register, day, rows, sha256) VALUES (%b, %b, %b, %b, %b)

-- name: keep_key
INSERT INTO seal_keys (key, since) VALUES (%b, %b) ON CONFLICT DO NOTHING

-- name: keep_checkpoint
INSERT INTO checkpoints (size, root, at, position, note) VALUES (%b, %b, %b, %b, %b)

-- name: digests
SELECT digest_id, register, day, rows, sha256 FROM seal_digests ORDER BY digest_id

-- name: signed
SELECT size, root, at, position, note FROM checkpoints ORDER BY size

-- name: leaf_tiles
-- leaves with their hashes, tile after tile; what lacks either is told as empty
SELECT tile, coalesce(sources, '{}') AS sources, coalesce(hashes, '') AS hashes
FROM seal_leaves FULL JOIN (SELECT tile, hashes FROM seal_tiles WHERE level = 0) t USING (tile)
WHERE tile > %b ORDER BY tile LIMIT %b

-- name: upper_tiles
SELECT level, tile, hashes FROM seal_tiles WHERE level > 0

-- name: dropped_months
-- months of accesses that are no more, and are old enough for forget_accesses to have dropped them
SELECT m::date AS month
FROM generate_series(date_trunc('month', %(first)s::date::timestamp), %(last)s::date::timestamp, '1 month') m
WHERE to_regclass('accesses_' || to_char(m, 'YYYY_MM')) IS NULL
  AND m + interval '1 month' <= date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') - interval '6 months'
  AND NOT EXISTS (SELECT FROM accesses WHERE at >= m AT TIME ZONE 'UTC'
                                          AND at < (m + interval '1 month') AT TIME ZONE 'UTC')
ORDER BY m
