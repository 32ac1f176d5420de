-- The list as of any instant, whoever asks and however much was recorded before or since (decision 0026).

-- an instant at which little had begun, and one after which little was left
CREATE INDEX inscription_history_from ON watchlist.inscription_history (recorded_from);
CREATE INDEX inscription_history_until ON watchlist.inscription_history (recorded_until);

-- what was imported with an earlier date: it was on the list before we knew it (L7)
CREATE INDEX inscription_history_backdated ON watchlist.inscription_history (inscription_id, recorded_from)
    INCLUDE (inscribed_on)
    WHERE inscribed_on < (inscribed_at AT TIME ZONE 'Europe/Paris')::date;

-- whose entries were, at any time
CREATE INDEX inscription_history_whose ON watchlist.inscription_history (subject_id, inscription_id);
