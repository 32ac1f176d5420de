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

-- name: forget
-- what was told so long ago, and by whom it was acknowledged; never what is younger than six months by the clock of the
-- database, as with the access log. Numbers go on where they were: the last of each organisation is kept apart
WITH gone AS (
    DELETE FROM changes WHERE at < least(%b, date_trunc('month', clock_timestamp(), 'UTC') - interval '6 months')
    RETURNING organisation, sequence
), acknowledged AS (
    DELETE FROM change_acknowledgements k USING gone g
    WHERE k.organisation = g.organisation AND k.sequence = g.sequence
)
SELECT count(*) AS n FROM gone
