-- How much each client may ask (S6), and when each job last ran. Neither is personal: random ids, counts and instants.

-- S6: one bucket per operator and kind of question; processes draw leases from it, so that together they keep to one limit
CREATE TABLE watchlist.rate_buckets (
    client uuid NOT NULL,
    quota text NOT NULL,
    tokens double precision NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (client, quota)
) WITH (fillfactor = 50);
COMMENT ON COLUMN watchlist.rate_buckets.client IS 'the operator, whichever of its keys or tokens asks';
COMMENT ON COLUMN watchlist.rate_buckets.at IS 'when tokens was counted, by the clock of this database: there is one';
GRANT SELECT, INSERT, UPDATE ON watchlist.rate_buckets TO watchlist_service;

-- a lease of at most `wanted` tokens, or of none when there are fewer than `needed`; what a lease before did not use is
-- given back. Total drawn never exceeds burst + per_second * time, however many processes draw.
CREATE FUNCTION watchlist.lease(
    of_client uuid, of_quota text, per_second double precision, burst double precision,
    needed bigint, wanted bigint, returned bigint, given_at timestamptz
) RETURNS TABLE (granted bigint, remaining double precision)
LANGUAGE plpgsql AS $$
DECLARE
    bucket watchlist.rate_buckets;
    now_at timestamptz;
BEGIN
    INSERT INTO watchlist.rate_buckets VALUES (of_client, of_quota, burst, coalesce(given_at, clock_timestamp()))
    ON CONFLICT DO NOTHING;
    SELECT * INTO bucket FROM watchlist.rate_buckets b WHERE b.client = of_client AND b.quota = of_quota FOR UPDATE;
    now_at := greatest(bucket.at, coalesce(given_at, clock_timestamp()));
    remaining := least(burst, bucket.tokens + returned + per_second * extract(epoch FROM now_at - bucket.at));
    granted := CASE WHEN remaining >= needed THEN least(floor(remaining), wanted) ELSE 0 END;
    remaining := remaining - granted;
    UPDATE watchlist.rate_buckets b SET tokens = remaining, at = now_at
    WHERE b.client = of_client AND b.quota = of_quota;
    RETURN NEXT;
END $$;

-- when each job of the scheduler last succeeded, whichever process ran it: what /readyz and /metrics tell
CREATE TABLE watchlist.job_runs (
    job text PRIMARY KEY,
    succeeded_at timestamptz,
    failed_at timestamptz,
    failure text
);
COMMENT ON COLUMN watchlist.job_runs.failure IS 'the kind of the last error, never its text';
GRANT SELECT, INSERT, UPDATE ON watchlist.job_runs TO watchlist_service;
