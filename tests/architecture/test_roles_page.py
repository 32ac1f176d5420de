"""docs/roles.md is what the routes declare."""

from pathlib import Path

from api.matrix import rights, table
from api.openapi import described
from watchlist.domain.operator import Role

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"


def test_the_page_of_roles_is_that_of_the_code() -> None:
    """After a change: `watchlist roles`, between the markers."""
    told = PAGE.read_text("utf-8").partition("<!-- roles -->\n")[2].partition("\n<!-- end of roles -->")[0]
    assert told == table(described())


def test_every_operation_names_a_role_and_every_role_may_something() -> None:
    found = list(rights(described()))
    assert all(roles for _, roles, _ in found)
    assert {role for _, roles, _ in found for role in roles} == set(Role)


def test_an_admin_manages_operators_and_keys_and_nothing_else() -> None:
    """T3: no file of a person is open to an admin; an alarm names a client and counts (S6)."""
    paths = [operation.split("/")[2:] for operation, roles, _ in rights(described()) if Role.ADMIN in roles]
    assert {path[0] for path in paths} == {"operators", "keys", "me", "audit"}
    assert {path[1] for path in paths if path[0] == "audit"} == {"alarms"}
