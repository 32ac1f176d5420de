-- name: leaves
-- what is sealed, leaf after leaf: an event by its position, a digest by its negative number
SELECT s.source, e.notification_id AS position, e.recorded_at, e.topic, e.originator_id AS stream,
       e.originator_version AS version, e.state, d.register, d.day, d.rows, d.sha256
FROM seal_leaves l
CROSS JOIN LATERAL unnest(l.sources) WITH ORDINALITY AS s (source, place)
LEFT JOIN events e ON e.notification_id = s.source
LEFT JOIN seal_digests d ON d.digest_id = -s.source
WHERE l.tile BETWEEN %(first)s::bigint / 256 AND %(last)s::bigint / 256
  AND l.tile * 256 + s.place - 1 BETWEEN %(first)s::bigint AND %(last)s::bigint
ORDER BY l.tile, s.place
