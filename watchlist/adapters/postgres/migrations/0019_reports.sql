-- What reports for auditors compare (L5, L12, C1, C2): who decided an entry, and until when things were due that are
-- done. The rules that count are the code's: what they count is kept here, and SQL only compares it.

ALTER TABLE watchlist.inscriptions ADD COLUMN last_amended_by uuid, ADD COLUMN approved_by uuid;
ALTER TABLE watchlist.letters ADD COLUMN last_day date;
COMMENT ON COLUMN watchlist.letters.last_day IS 'L12: the last day on which it is not late, or was not when it was sent';
ALTER TABLE watchlist.cases ADD COLUMN data_due_at timestamptz;
COMMENT ON COLUMN watchlist.cases.data_due_at IS 'C1, C2: from when on its data are to be gone, or were to be; stays after the purge';

UPDATE watchlist.inscriptions i SET last_amended_by = d.by
FROM (
    SELECT DISTINCT ON (entry) entry, by FROM (
        SELECT (s ->> 'inscription_id')::uuid AS entry, (s ->> 'by')::uuid AS by, notification_id
        FROM (SELECT convert_from(state, 'UTF8')::json AS s, notification_id FROM watchlist.events
              WHERE topic IN ('inscription.proposed', 'inscription.amended')) e
    ) decided ORDER BY entry, notification_id DESC
) d WHERE d.entry = i.inscription_id;
UPDATE watchlist.inscriptions i SET approved_by = d.by
FROM (
    SELECT (s ->> 'inscription_id')::uuid AS entry, (s ->> 'by')::uuid AS by
    FROM (SELECT convert_from(state, 'UTF8')::json AS s FROM watchlist.events WHERE topic = 'inscription.approved') e
) d WHERE d.entry = i.inscription_id;
ALTER TABLE watchlist.inscriptions ALTER last_amended_by SET NOT NULL;

-- what is due is a day before the instant from which it is late; what was sent, and what is over, is painted by whoever
-- opens the house next: the rules stand in the code
UPDATE watchlist.letters SET last_day = ((due_at - interval '1 microsecond') AT TIME ZONE 'Europe/Paris')::date
WHERE due_at IS NOT NULL;
UPDATE watchlist.cases SET data_due_at = alert_ends_at WHERE alert_ends_at IS NOT NULL;
INSERT INTO watchlist.letters_to_paint
    SELECT case_id FROM watchlist.letters WHERE sent_on IS NOT NULL
    UNION SELECT case_id FROM watchlist.cases WHERE state NOT IN ('alert', 'under_investigation')
ON CONFLICT DO NOTHING;

CREATE INDEX letters_sent_late ON watchlist.letters (letter_id) WHERE sent_on > last_day OR hit_told_at IS NOT NULL;
CREATE INDEX inscriptions_not_four_eyed ON watchlist.inscriptions (inscription_id)
    WHERE approved_by = proposed_by OR approved_by = last_amended_by;
CREATE INDEX inscriptions_approved_by ON watchlist.inscriptions (approved_by, inscribed_at) WHERE approved_by IS NOT NULL;
CREATE INDEX cases_data_due ON watchlist.cases (data_due_at) WHERE purged_at IS NULL;
CREATE INDEX cases_overstayed ON watchlist.cases ((purged_at - data_due_at)) WHERE purged_at IS NOT NULL;
