"""Who may what: every operation, the roles that it names and the scopes that open it to a narrowed key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from watchlist.domain.operator import Role
from watchlist.domain.scope import Scope

HEADER = ("operation", *Role, "scopes")
YES = "yes"


def rights(openapi: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[Role], frozenset[Scope]]]:
    """Of each operation that asks who is there: its method and path, its roles, its scopes."""
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            if "x-roles" in operation:
                roles = frozenset(map(Role, operation["x-roles"]))
                scopes = frozenset(map(Scope, operation["x-scopes"]))
                yield f"{method.upper()} {path}", roles, scopes


def table(openapi: Mapping[str, Any]) -> str:
    """The matrix as a Markdown table, in the order of the OpenAPI."""
    lines = [HEADER, tuple("---" for _ in HEADER)]
    lines += [_cells(*row) for row in rights(openapi)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(operation: str, roles: frozenset[Role], scopes: frozenset[Scope]) -> tuple[str, ...]:
    told = "any" if scopes == frozenset(Scope) else " ".join(f"`{scope}`" for scope in sorted(scopes))
    return (f"`{operation}`", *(YES if role in roles else "" for role in Role), told)
