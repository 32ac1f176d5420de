-- name: cosigned
-- a witness's line under a checkpoint, once
INSERT INTO cosignatures (size, witness, line, at) VALUES (%b, %b, %b, %b) ON CONFLICT DO NOTHING

-- name: cosigned_by
SELECT coalesce(max(size), 0) AS size FROM cosignatures WHERE witness = %b

-- name: refused
-- once, until that witness cosigns again
INSERT INTO witness_refusals (witness, at, size, seen)
SELECT %(witness)s, %(at)s, %(size)s, %(seen)s WHERE NOT EXISTS (
    SELECT FROM witness_refusals r WHERE r.witness = %(witness)s AND NOT EXISTS (
        SELECT FROM cosignatures c WHERE c.witness = r.witness AND c.at > r.at))

-- name: standing
-- the largest that a witness cosigned, the first checkpoint since, and a refusal that nothing was cosigned after
SELECT w.witness, coalesce(c.size, 0) AS size, c.at AS cosigned_at, n.at AS waits_since, r.at AS differs_since
FROM unnest(%b::text[]) WITH ORDINALITY AS w (witness, place)
LEFT JOIN LATERAL (SELECT size, at FROM cosignatures k WHERE k.witness = w.witness ORDER BY size DESC LIMIT 1) c ON true
LEFT JOIN LATERAL (SELECT at FROM checkpoints k WHERE k.size > coalesce(c.size, -1) ORDER BY k.size LIMIT 1) n ON true
LEFT JOIN LATERAL (SELECT min(f.at) AS at FROM witness_refusals f
                   WHERE f.witness = w.witness AND (c.at IS NULL OR f.at >= c.at)) r ON true
ORDER BY w.place

-- name: stamped
INSERT INTO stamps (size, at, authority, token) VALUES (%b, %b, %b, %b) ON CONFLICT DO NOTHING

-- name: stamp_standing
-- the last stamp, and the first checkpoint that is larger than all that were stamped
SELECT coalesce(s.size, 0) AS size, s.at AS stamped_at, n.at AS waits_since
FROM (SELECT) AS one
LEFT JOIN LATERAL (SELECT size, at FROM stamps ORDER BY size DESC, at DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT at FROM checkpoints k WHERE k.size > coalesce(s.size, -1) ORDER BY k.size LIMIT 1) n ON true
