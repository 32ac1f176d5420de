"""`watchlist operator` and `watchlist key`: who may act, and by which keys."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from watchlist.application import operators as verbs
from watchlist.bootstrap import open_house
from watchlist.cli.terminal import Stop, instant, tell
from watchlist.domain.operator import ApiKey, Operator, Role
from watchlist.domain.scope import Scope
from watchlist.settings import Settings

NO_SUCH_KEY = "there is no key of that id: `watchlist key list` shows them"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    _add_operator(commands.add_parser("operator", help="who may act: add, leave, list"))
    _add_key(commands.add_parser("key", help="API keys: issue, list, rotate, revoke"))


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
    issue.add_argument(
        "--scope",
        action="append",
        choices=[scope.value for scope in Scope],
        help="narrow the key to it; several times for several",
    )
    issue.add_argument("--sandbox", action="store_true", help="asks test identifiers, never the list")
    issue.set_defaults(run=key_issue)
    _add_rotation(actions)
    shown = actions.add_parser("list")
    shown.add_argument("--organisation", metavar="CODE")
    shown.set_defaults(run=key_list)
    revoke = actions.add_parser("revoke", help="the key opens nothing any more")
    revoke.add_argument("id", metavar="KEY_ID")
    revoke.set_defaults(run=key_revoke)
    for action in (issue, shown, revoke):
        action.add_argument("--json", action="store_true")


def _add_rotation(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rotate = actions.add_parser("rotate", help="a successor; both live until the older expires")
    rotate.add_argument("id", metavar="KEY_ID")
    rotate.add_argument("--grace-days", type=int, default=verbs.ROTATION_GRACE.days, metavar="N")
    rotate.add_argument("--expires", type=instant, metavar="INSTANT", help="of the successor")
    rotate.add_argument("--json", action="store_true")
    rotate.set_defaults(run=key_rotate)


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
        scopes = frozenset(map(Scope, args.scope)) if args.scope else None
        grant = verbs.Grant(Role(args.role), args.expires, scopes, args.sandbox)
        issued = verbs.grant_key(house.operators, house.clock, args.operator, args.organisation, grant)
    tell({"key": issued.presented, "id": issued.key.key_id}, args.json, issued.presented)
    return 0


def key_rotate(settings: Settings, args: argparse.Namespace) -> int:
    grace = timedelta(days=args.grace_days)
    with open_house(settings) as house:
        try:
            issued = verbs.rotate_key(
                house.operators, house.clock, args.id, grace=grace, expires_at=args.expires
            )
        except verbs.NoSuchKey:
            raise Stop(NO_SUCH_KEY) from None
        older = house.operators.key(args.id)
    assert older is not None
    told = {"key": issued.presented, "id": issued.key.key_id, "older_expires_at": older[0].expires_at}
    tell(told, args.json, issued.presented)
    return 0


def key_list(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        now = house.clock.now()
        found = list(verbs.list_keys(house.operators, args.organisation))
    lines = [_key_line(key, operator, now) for key, operator in found]
    tell({"items": [_key(*pair, now) for pair in found]}, args.json, "\n".join(lines))
    return 0


def key_revoke(settings: Settings, args: argparse.Namespace) -> int:
    with open_house(settings) as house:
        now = house.clock.now()
        try:
            key, operator = verbs.revoke_key(house.operators, house.clock, args.id)
        except verbs.NoSuchKey:
            raise Stop(NO_SUCH_KEY) from None
    tell(_key(key, operator, now), args.json, f"{key.key_id} revoked")
    return 0


def _operator(operator: Operator) -> dict[str, Any]:
    return {
        "id": str(operator.operator_id),
        "organisation": operator.organisation,
        "name": operator.name,
        "left_at": operator.left_at,
    }


def _key(key: ApiKey, operator: Operator, now: datetime) -> dict[str, Any]:
    return {
        "id": key.key_id,
        "role": key.role.value,
        "organisation": operator.organisation,
        "operator": operator.name,
        "issued_at": key.issued_at,
        "expires_at": key.expires_at,
        "expires_soon": key.expires_soon(now),
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "scopes": None if key.scopes is None else sorted(key.scopes),
        "sandbox": key.sandbox,
        "rotated_from": key.rotated_from,
    }


def _key_line(key: ApiKey, operator: Operator, now: datetime) -> str:
    parts = [key.key_id, operator.organisation, key.role.value, operator.name]
    if key.revoked_at:
        return "  ".join([*parts, "revoked"])
    parts.append(f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used")
    if key.scopes is not None:
        parts.append(" ".join(sorted(key.scopes)))
    if key.sandbox:
        parts.append("sandbox")
    return "  ".join([*parts, *_ending(key, now)])


def _ending(key: ApiKey, now: datetime) -> list[str]:
    if key.has_expired(now):
        return ["expired"]
    return [f"expires soon: {key.expires_at:%Y-%m-%d}"] if key.expires_soon(now) else []
