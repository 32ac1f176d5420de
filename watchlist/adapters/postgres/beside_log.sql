-- name: settle
SELECT pg_advisory_xact_lock_shared(%b)

-- name: alone
SELECT pg_advisory_xact_lock(%b)

-- name: require_unchanged
-- refused when one of these streams has gone on since this was decided, or ends before it (a server that lost its end)
SELECT require_unchanged(%(streams)s, %(versions)s),
       goes_on(%(streams)s, ARRAY(SELECT version + 1 FROM unnest(%(versions)s::bigint[]) WITH ORDINALITY AS v (version, place)
                                  ORDER BY place))

-- name: keep
-- what the command sealed, and that it was carried out
WITH kept AS (
    INSERT INTO vault (ref, owner, field, ciphertext)
    SELECT * FROM unnest(%(refs)s::uuid[], %(owners)s::uuid[], %(fields)s::text[], %(ciphertexts)s::bytea[])
)
INSERT INTO commands (command_id, mac, answer, position, recorded_at)
VALUES (%(command_id)s, %(mac)s, %(answer)s, %(position)s, %(at)s)

-- name: answered
-- what a recorded command answered
SELECT mac, answer, position FROM commands WHERE command_id = %b
