"""The few pages for people: what a problem means, and the operations. Nothing is loaded from outside."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Path, Request
from starlette.responses import HTMLResponse, Response

from api.envelope import STYLE
from api.errand import json_answer
from api.problems import NoSuchPath, all_kinds, status_of

routes = APIRouter(include_in_schema=False)
METHODS = ("get", "post", "patch")


@routes.get("/problems/{code}")
def show_problem(code: str = Path(max_length=64)) -> HTMLResponse:
    """What the `type` of a problem leads to, in French and in English."""
    kind = all_kinds().get(code)
    if kind is None:
        raise NoSuchPath()
    body = (
        f"<h1><code>{escape(code)}</code></h1><p>HTTP {status_of(kind)}</p>"
        f'<p lang="en">{escape(kind.english)}</p><p lang="fr">{escape(kind.french)}</p>'
    )
    return _page(code, body)


@routes.get("/openapi.json")
def show_openapi(request: Request) -> Response:
    """The OpenAPI, to generate clients from."""
    return json_answer(request.app.openapi())


@routes.get("/docs")
def show_operations(request: Request) -> HTMLResponse:
    """Every operation of the OpenAPI, to read."""
    schema = request.app.openapi()
    title = schema["info"]["title"]
    parts = [f"<h1>{escape(title)}</h1><p>{escape(schema['info']['description'])}</p>"]
    parts += ['<p><a href="/openapi.json">openapi.json</a></p>', *_operations(schema)]
    return _page(title, "".join(parts))


def _operations(schema: dict[str, Any]) -> Iterator[str]:
    for path, methods in schema["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _operation(path, method, methods[method])


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [("roles", ", ".join(operation.get("x-roles", []))), ("operation", operation["operationId"])]
    rows += [(f"{p['in']} {p['name']}", p.get("description", "")) for p in operation.get("parameters", [])]
    rows += [("body", _named(body)) for body in _contents(operation.get("requestBody", {}))]
    rows += [
        (status, answer.get("$ref", "").rpartition("/")[2] or ", ".join(map(_named, _contents(answer))))
        for status, answer in sorted(operation["responses"].items())
    ]
    cells = "".join(f"<tr><td>{escape(name)}</td><td>{escape(value)}</td></tr>" for name, value in rows)
    said = escape(operation.get("description", ""))
    head = f"<summary><code>{method.upper()} {escape(path)}</code> {said}</summary>"
    return f"<details>{head}<table>{cells}</table></details>"


def _contents(part: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(media, content.get("schema", {})) for media, content in part.get("content", {}).items()]


def _named(content: tuple[str, dict[str, Any]]) -> str:
    media, schema = content
    options = schema.get("anyOf") or schema.get("oneOf") or [schema]
    names = [one["$ref"].rpartition("/")[2] for one in options if "$ref" in one]
    return " or ".join(names) or media


def _page(title: str, body: str) -> HTMLResponse:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return HTMLResponse(f'<!doctype html><html lang="en">{head}<style>{STYLE}</style>{body}</html>')
