-- name: lock
-- taken first, before any row: positions commit in order, and no two commands deadlock
SELECT pg_advisory_xact_lock(%b)

-- name: stamp
-- the instant of this transaction, strictly later than its predecessor's; a test's clock may give it
SELECT greatest(coalesce(%b::timestamptz, clock_timestamp()),
                (SELECT recorded_at + interval '1 microsecond' FROM events ORDER BY notification_id DESC LIMIT 1)
       ) AS recorded_at, clock_timestamp() AS database_now

-- name: append
-- the events, in their order
INSERT INTO events (originator_id, originator_version, topic, state, recorded_at)
SELECT originator_id, originator_version, topic, state, %b
FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[])
     WITH ORDINALITY AS t (originator_id, originator_version, topic, state, place) ORDER BY place
RETURNING notification_id

-- name: remember_command
-- a second row of the same command is refused: it was recorded before
INSERT INTO commands (command_id, mac, answer, position, recorded_at)
VALUES (%b, %b, %b, (SELECT max(notification_id) FROM events), %b)

-- name: answered
-- what a recorded command answered
SELECT mac, answer, position FROM commands WHERE command_id = %b

-- name: known_meanwhile
-- subjects of the organisation that were registered under these identifiers since this was decided
SELECT subject_id FROM subject_tokens WHERE digest = ANY(%b) AND organisation = %b LIMIT 1

-- name: keep_sealed
-- ciphertexts of this command
INSERT INTO vault (ref, owner, field, ciphertext)
SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::bytea[])

-- name: forget_owner
-- ciphertexts of owners whose key was destroyed
DELETE FROM vault WHERE owner = ANY(%b)

-- name: load
-- whole streams, in order
SELECT originator_id, originator_version, topic, state FROM events
WHERE originator_id = ANY(%b) ORDER BY originator_id, originator_version
