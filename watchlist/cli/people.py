"""`watchlist operator` and `watchlist key`: who may act, and by which keys."""

from __future__ import annotations

import argparse
from typing import Any
from uuid import UUID

from watchlist.application import operators as verbs
from watchlist.bootstrap import open_house
from watchlist.cli.terminal import Stop, instant, tell
from watchlist.domain.operator import ApiKey, Operator, Role
from watchlist.settings import Settings


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    _add_operator(commands.add_parser("operator", help="who may act: add, leave, list"))
    _add_key(commands.add_parser("key", help="API keys: issue, list, revoke"))


def _add_operator(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="a person or system account of an organisation")
    add.add_argument("--operator", required=True, metavar="NAME")
    add.add_argument("--organisation", required=True, metavar="CODE")
    add.set_defaults(run=operator_add)
    leave = actions.add_parser("leave", help="ends every right of theirs at once")
    leave.add_argument("id", type=UUID, metavar="OPERATOR_ID")
    leave.set_defaults(run=operator_leave)
    shown = actions.add_parser("list")
    shown.add_argument("--organisation", metavar="CODE")
    shown.set_defaults(run=operator_list)
    for action in (add, leave, shown):
        action.add_argument("--json", action="store_true")


def _add_key(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    issue = actions.add_parser("issue", help="a new key, shown once; creates the operator when new")
    issue.add_argument("--operator", required=True, metavar="NAME")
    issue.add_argument("--role", required=True, choices=[role.value for role in Role])
    issue.add_argument("--organisation", required=True, metavar="CODE")
    issue.add_argument("--expires", type=instant, metavar="INSTANT", help="such as 2027-01-31T00:00:00Z")
    issue.set_defaults(run=key_issue)
    shown = actions.add_parser("list")
    shown.add_argument("--organisation", metavar="CODE")
    shown.set_defaults(run=key_list)
    revoke = actions.add_parser("revoke", help="the key opens nothing any more")
    revoke.add_argument("id", metavar="KEY_ID")
    revoke.set_defaults(run=key_revoke)
    for action in (issue, shown, revoke):
        action.add_argument("--json", action="store_true")


def operator_add(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        operator, new = verbs.add_operator(house.operators, args.organisation, args.operator)
    tell(_operator(operator), args.json, f"{operator.operator_id}{'' if new else ' (known before)'}")
    return 0


def operator_leave(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        operator = verbs.leave(house.operators, house.clock, args.id)
    tell(_operator(operator), args.json, f"{operator.operator_id} left")
    return 0


def operator_list(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        found = list(verbs.list_operators(house.operators, args.organisation))
    lines = [f"{o.operator_id}  {o.organisation}  {o.name}{'  left' if o.left_at else ''}" for o in found]
    tell({"items": [_operator(operator) for operator in found]}, args.json, "\n".join(lines))
    return 0


def key_issue(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        issued = verbs.issue_key(
            house.operators, house.clock, args.operator, Role(args.role), args.organisation, args.expires
        )
    tell({"key": issued.presented, "id": issued.key.key_id}, args.json, issued.presented)
    return 0


def key_list(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        found = list(verbs.list_keys(house.operators, args.organisation))
    lines = [
        f"{key.key_id}  {operator.organisation}  {key.role}  {operator.name}{'  revoked' if key.revoked_at else ''}"
        for key, operator in found
    ]
    tell({"items": [_key(*pair) for pair in found]}, args.json, "\n".join(lines))
    return 0


def key_revoke(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        try:
            key, operator = verbs.revoke_key(house.operators, house.clock, args.id)
        except verbs.NoSuchKey:
            raise Stop("there is no key of that id: `watchlist key list` shows them") from None
    tell(_key(key, operator), args.json, f"{key.key_id} revoked")
    return 0


def _operator(operator: Operator) -> dict[str, Any]:
    return {
        "id": str(operator.operator_id),
        "organisation": operator.organisation,
        "name": operator.name,
        "left_at": operator.left_at,
    }


def _key(key: ApiKey, operator: Operator) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "role": key.role.value,
        "organisation": operator.organisation,
        "operator": operator.name,
        "issued_at": key.issued_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }
