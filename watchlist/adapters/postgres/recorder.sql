-- name: begin
-- the clocks compared, the lock, whether its look-ups are those of now, then the instant of this transaction
SELECT begin_recording(%b, %b, %b, %b, %b::smallint[])

-- name: record
-- the keys of new owners, what the command sealed, its events in their order, and the command itself: a second row of one is refused,
-- and an event whose stream ends before it
WITH keyed AS (
    INSERT INTO watchlist_keys.data_keys (owner, wrapped) SELECT * FROM unnest(%b::uuid[], %b::bytea[])
), kept AS (
    INSERT INTO vault (ref, owner, field, ciphertext)
    SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::text[], %b::bytea[])
), appended AS (
    INSERT INTO events (originator_id, originator_version, topic, state, recorded_at)
    SELECT originator_id, originator_version, topic, state, recorded_at()
    FROM unnest(%b::uuid[], %b::bigint[], %b::text[], %b::bytea[])
         WITH ORDINALITY AS t (originator_id, originator_version, topic, state, place) ORDER BY place
    RETURNING notification_id
), remembered AS (
    INSERT INTO commands (command_id, mac, answer, position, recorded_at)
    SELECT %b, %b, %b, max(notification_id), recorded_at() FROM appended
)
SELECT notification_id FROM appended WHERE goes_on(%b::uuid[], %b::bigint[]) ORDER BY notification_id

-- name: answered
-- what a recorded command answered
SELECT mac, answer, position FROM commands WHERE command_id = %b

-- name: require_unknown
-- refused when one of these identifiers was registered since this was decided
SELECT require_unknown(%b, %b)

-- name: require_unchanged
-- refused when one of these streams has gone on since this was decided
SELECT require_unchanged(%b, %b)

-- name: require_no_other_case
-- refused when there is a case about one of these subjects that was not known when this was decided
SELECT require_no_other_case(%b, %b)

-- name: require_unnamed
-- refused when a case that was not considered names one of these subjects
SELECT require_unnamed(%b, %b)

-- name: require_no_other_letter
-- refused when a letter may tell of one of these owners that was not known when this was decided
SELECT require_no_other_letter(%b, %b)

-- name: load
-- whole streams, in order
SELECT originator_id, originator_version, topic, state FROM events
WHERE originator_id = ANY(%b) ORDER BY originator_id, originator_version

-- name: load_as_of
-- one stream, in order, as far as it had been recorded by an instant
SELECT originator_id, originator_version, topic, state FROM events
WHERE originator_id = %b AND recorded_at <= %b ORDER BY originator_version

-- name: entered
-- whole streams, in order, and where and when each event was recorded
SELECT notification_id, recorded_at, originator_id, originator_version, topic, state FROM events
WHERE originator_id = ANY(%b) ORDER BY originator_id, originator_version

-- name: known
-- which of these streams there are
SELECT DISTINCT originator_id FROM events WHERE originator_id = ANY(%b)

-- name: owners
-- whoever must have a key: subjects, cases whose data are not purged, imports
SELECT id FROM (
    SELECT subject_id AS id FROM subjects
    UNION ALL SELECT case_id FROM cases WHERE state <> 'purged'
    UNION ALL SELECT import_id FROM imports
) AS owners WHERE id > %b ORDER BY id LIMIT %b

-- name: forget_answers
-- a repeated command is recognised for a day
DELETE FROM commands WHERE recorded_at < %b

-- name: load_with_keys
-- the same, after the wrapped keys of their owners (without a topic)
SELECT owner AS originator_id, 0::bigint AS originator_version, NULL::text AS topic, wrapped AS state
FROM watchlist_keys.data_keys WHERE owner = ANY(%b) AND wrapped IS NOT NULL
UNION ALL
(SELECT originator_id, originator_version, topic, state FROM events
 WHERE originator_id = ANY(%b) ORDER BY originator_id, originator_version)
