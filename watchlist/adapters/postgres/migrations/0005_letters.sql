-- Letters: which are due, deferred, sent (L12); and when a held entry is looked at again (L13).

CREATE TABLE watchlist.letters (
    letter_id uuid PRIMARY KEY,
    kind text NOT NULL,
    organisation text NOT NULL,
    case_id uuid NOT NULL,
    inscription_id uuid NOT NULL,
    subject_id uuid NOT NULL,
    due_at timestamptz,
    deferred_to date,
    sent_on date,
    channel text,
    template text
);
COMMENT ON COLUMN watchlist.letters.due_at IS 'from when it is late; null: sent, or another letter tells it';
CREATE INDEX letters_of ON watchlist.letters (organisation, letter_id);
CREATE INDEX letters_due ON watchlist.letters (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX letters_about ON watchlist.letters (subject_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON watchlist.letters TO watchlist_service;

ALTER TABLE watchlist.inscriptions ADD COLUMN hold_review_due_at timestamptz;
CREATE INDEX inscriptions_hold_review ON watchlist.inscriptions (hold_review_due_at)
    WHERE hold_review_due_at IS NOT NULL;

-- The rules count the months, and stand in the code: entries that took effect before this migration are painted by
-- whoever opens the house next, with those rules, and then forgotten here.
CREATE TABLE watchlist.letters_to_paint AS
    SELECT DISTINCT case_id FROM watchlist.inscriptions WHERE inscribed_at IS NOT NULL;
ALTER TABLE watchlist.letters_to_paint ADD PRIMARY KEY (case_id);
GRANT SELECT, DELETE ON watchlist.letters_to_paint TO watchlist_service;
