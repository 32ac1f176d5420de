-- Answers: every request of a person, told when they ask for access (P3).

CREATE INDEX rights_requests_by_subject ON watchlist.rights_requests (subject_id);
