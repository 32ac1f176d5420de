"""The OpenAPI made fit for generated clients: names that are names, and what every operation answers told once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from api.routes import PROBLEM

_MODE = re.compile(r"(\w+)-(Input|Output)")
_PLACE = re.compile(r"#/components/schemas/(.+)")
Schema = dict[str, Any]
QUOTA_HEADERS = {
    "Retry-After": {"schema": {"type": "integer"}, "description": "seconds to wait"},
    "RateLimit": {"schema": {"type": "string"}, "description": "what is left of the quota, and until when"},
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": "the quota, and its window in seconds"},
}


def tidied(schema: Schema) -> Schema:
    """The same with its schemas renamed, and its problems referred to."""
    schemas = schema["components"]["schemas"]
    names = {name: _name(name) for name in schemas}
    if len(set(names.values())) < len(names):
        raise ValueError("two models of the API have the same name in one mode: rename one")
    renamed: Schema = _refer(schema, names)
    renamed["components"]["schemas"] = {
        names[name]: {**shape, "title": names[name]}
        for name, shape in renamed["components"]["schemas"].items()
    }
    renamed["components"]["responses"] = _responses()
    for operations in renamed["paths"].values():
        for operation in operations.values():
            operation["responses"] = {
                status: _told(status, answer) for status, answer in operation["responses"].items()
            }
    return renamed


def _name(name: str) -> str:
    """Two models of one name: one that is asked and one that is answered, or of two nouns of the domain."""
    mode = _MODE.fullmatch(name)
    if mode is not None:
        return mode[1] if mode[2] == "Input" else f"Answered{mode[1]}"
    if "__" in name:
        module, _, own = name.rpartition("__")
        return module.rpartition("__")[2].title().replace("_", "") + own
    return name


def _refer(part: Any, names: Mapping[str, str]) -> Any:
    """Every reference renamed, those of a discriminator among them."""
    if isinstance(part, Mapping):
        return {key: _refer(value, names) for key, value in part.items()}
    if isinstance(part, list):
        return [_refer(one, names) for one in part]
    found = _PLACE.fullmatch(part) if isinstance(part, str) else None
    return f"#/components/schemas/{names[found[1]]}" if found and found[1] in names else part


def _told(status: str, answer: Schema) -> Schema:
    is_problem = json.dumps(answer.get("content")) == json.dumps(PROBLEM["content"])
    if not is_problem or answer.get("headers"):
        return answer
    return {"$ref": f"#/components/responses/{'OverQuota' if status == '429' else 'Problem'}"}


def _responses() -> Schema:
    return {
        "Problem": {"description": "Refused: `code` says why", **PROBLEM},
        "OverQuota": {"description": "The quota is used up", **PROBLEM, "headers": QUOTA_HEADERS},
    }
