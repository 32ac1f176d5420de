"""Mutants that no test can notice, each with the reason: looked at by a person, one by one."""

REVIEWED: dict[str, dict[str, str]] = {
    "watchlist.domain.retention": {
        "entry_ends_at: hold.until > elapses_at -> hold.until >= elapses_at": (
            "a hold that ended in the very instant in which the term elapses ends the entry in that instant too"
        ),
    },
    "watchlist.audit.verifier": {
        "_header_read: 0 -> 1": "what is no size is made into a header that differs, whatever number stands for it",
    },
}
