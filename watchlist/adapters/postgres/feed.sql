-- name: changes
SELECT sequence, at, kind, screening_id, key FROM changes
WHERE organisation = %b AND sequence > %b ORDER BY sequence LIMIT %b

-- name: acknowledge
-- once: whoever comes second changes nothing
WITH awaited AS (
    UPDATE changes SET awaited_until = NULL
    WHERE organisation = %(organisation)s AND sequence = %(sequence)s AND awaited_until IS NOT NULL
    RETURNING organisation, sequence
)
INSERT INTO change_acknowledgements (organisation, sequence, at, operator_id)
SELECT organisation, sequence, %(at)s, %(by)s FROM awaited
ON CONFLICT DO NOTHING

-- name: acknowledgement
SELECT sequence, at, operator_id FROM change_acknowledgements
WHERE organisation = %(organisation)s AND sequence = %(sequence)s

-- name: is_late
SELECT EXISTS (SELECT FROM changes WHERE awaited_until <= %b)
    OR EXISTS (SELECT FROM webhooks WHERE state = 'failing') AS late
