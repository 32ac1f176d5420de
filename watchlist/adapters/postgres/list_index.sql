-- name: find
-- the log's position, then what answers at that instant under these digests: one snapshot for both
SELECT NULL::bytea AS digest, NULL::bytea AS given, coalesce(max(notification_id), 0) AS position FROM events
UNION ALL
SELECT digest, given, NULL FROM answerable WHERE digest = ANY(%b) AND answers_until > %b
