"""Whether a place in the code that a document names is there."""

import importlib


def importable(place: str) -> bool:
    """`package.module.Class.method`; AttributeError when a part is missing from a module that is there."""
    parts = place.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return True
    return False
