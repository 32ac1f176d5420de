-- name: find
-- the log's position and the generation that is asked, then what answers at that instant under these digests, and
-- which pairs of organisation and question those who ask dismissed on it (S7), nobody else's: one snapshot for all
SELECT NULL::bytea AS digest, NULL::bytea AS given, NULL::uuid AS entry, NULL::bytea[] AS dismissed_by,
       coalesce(max(notification_id), 0) AS position,
       (SELECT generation FROM lookup_generations WHERE state = 'current') AS generation,
       pg_is_in_recovery() AS recovering
FROM events
UNION ALL
SELECT digest, given, inscription_id,
       ARRAY(SELECT convert_to(h.organisation, 'UTF8') || h.question FROM homonyms h
             WHERE h.inscription_id = answerable.inscription_id AND h.organisation = ANY(%(organisations)b)),
       NULL, NULL, NULL
FROM answerable WHERE digest = ANY(%(digests)b) AND answers_until > %(at)b
