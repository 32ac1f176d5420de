-- S6: how the screening is used, in numbers by client and hour; and what was unusual in them. Whom it was asked about
-- is not here, in no form.

CREATE TABLE watchlist.usage (
    operator_id uuid NOT NULL,
    organisation text NOT NULL,
    hour timestamptz NOT NULL,
    asked bigint NOT NULL,
    hits bigint NOT NULL,
    refused bigint NOT NULL,
    fresh bigint NOT NULL,
    looked bigint NOT NULL,
    sequential bigint NOT NULL,
    PRIMARY KEY (hour, operator_id)
);
COMMENT ON COLUMN watchlist.usage.fresh IS 'persons not asked for before on that day, counted by keyed digests that are gone the next day';
GRANT SELECT, INSERT, UPDATE, DELETE ON watchlist.usage TO watchlist_service;

CREATE TABLE watchlist.alarms (
    alarm_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('many_distinct', 'unlike_itself', 'sequence', 'guessed', 'at_night')),
    operator_id uuid NOT NULL,
    organisation text NOT NULL,
    day date NOT NULL,
    hour timestamptz NOT NULL,
    number bigint NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by uuid,
    UNIQUE (operator_id, kind, day)
);
COMMENT ON TABLE watchlist.alarms IS 'kept as long as the access log';
COMMENT ON COLUMN watchlist.alarms.number IS 'what made it unusual: persons, or questions';
CREATE INDEX alarms_open ON watchlist.alarms (organisation) WHERE acknowledged_at IS NULL;
GRANT SELECT, INSERT, UPDATE (acknowledged_at, acknowledged_by), DELETE ON watchlist.alarms TO watchlist_service;
