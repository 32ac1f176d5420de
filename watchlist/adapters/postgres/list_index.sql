-- name: find
-- the log's position and the generation that is asked, then what answers at that instant under these digests: one
-- snapshot for all three
SELECT NULL::bytea AS digest, NULL::bytea AS given, coalesce(max(notification_id), 0) AS position,
       (SELECT generation FROM lookup_generations WHERE state = 'current') AS generation
FROM events
UNION ALL
SELECT digest, given, NULL, NULL FROM answerable WHERE digest = ANY(%b) AND answers_until > %b
