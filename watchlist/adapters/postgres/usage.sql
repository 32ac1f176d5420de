-- name: add
-- numbers of some hours, added to what was counted of them
INSERT INTO usage AS u (operator_id, organisation, hour, asked, hits, refused, fresh, looked, sequential)
SELECT * FROM json_to_recordset(%b::json) AS n (
    operator_id uuid, organisation text, hour timestamptz, asked bigint, hits bigint, refused bigint, fresh bigint,
    looked bigint, sequential bigint)
ON CONFLICT (hour, operator_id) DO UPDATE SET
    asked = u.asked + excluded.asked, hits = u.hits + excluded.hits, refused = u.refused + excluded.refused,
    fresh = u.fresh + excluded.fresh, looked = u.looked + excluded.looked,
    sequential = u.sequential + excluded.sequential

-- name: recent
-- the hours that a habit is told from, of the clients that asked within the last day
SELECT operator_id, organisation, hour, asked, hits, refused, fresh, looked, sequential FROM usage
WHERE hour > %(since)s AND operator_id IN (SELECT operator_id FROM usage WHERE hour > %(lately)s)
ORDER BY operator_id, hour

-- name: forget
-- hours of which no habit is told any more
DELETE FROM usage WHERE hour < %b

-- name: forget_alarms
-- kept as long as the access log
DELETE FROM alarms WHERE at < %b

-- name: raise
-- one alarm of a kind for each client and day
INSERT INTO alarms (alarm_id, at, kind, operator_id, organisation, day, hour, number)
VALUES (%b, %b, %b, %b, %b, %b, %b, %b)
ON CONFLICT (operator_id, kind, day) DO NOTHING

-- name: alarms
-- the latest first, after one that was seen
SELECT alarm_id, at, kind, operator_id, organisation, day, hour, number, acknowledged_at, acknowledged_by FROM alarms
WHERE (%(organisation)s::text IS NULL OR organisation = %(organisation)s)
  AND (NOT %(open)s OR acknowledged_at IS NULL)
  AND (%(after)s::uuid IS NULL OR alarm_id < %(after)s)
ORDER BY alarm_id DESC LIMIT %(limit)s

-- name: acknowledge
-- by whoever was first
UPDATE alarms SET acknowledged_at = coalesce(acknowledged_at, %(at)s), acknowledged_by = coalesce(acknowledged_by, %(by)s)
WHERE alarm_id = %(alarm_id)s AND organisation = %(organisation)s
RETURNING alarm_id, at, kind, operator_id, organisation, day, hour, number, acknowledged_at, acknowledged_by

-- name: open
-- how many wait for somebody to look, by kind
SELECT kind, count(*) AS n FROM alarms WHERE acknowledged_at IS NULL GROUP BY kind
