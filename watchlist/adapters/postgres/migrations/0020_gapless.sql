-- A stream goes on where it ended. Who decided on one server may record on another: its standby, promoted, which does
-- not have what was acknowledged in between (an asynchronous one). Without this its next event would leave a gap, and
-- the stream could never be read again. Additive: the version before it does not call it.
CREATE FUNCTION watchlist.goes_on(streams uuid[], versions bigint[]) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM unnest(streams, versions) AS next (stream, version)
               WHERE NOT EXISTS (SELECT FROM watchlist.events e
                                 WHERE e.originator_id = next.stream AND e.originator_version = next.version - 1)) THEN
        RAISE EXCEPTION 'decided on what is not there' USING ERRCODE = 'unique_violation', CONSTRAINT = 'goes_on';
    END IF;
    RETURN true;
END $$;
