"""Imports: an existing list brought in by one person, effective when a second one approves it (L7)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Depends, Header, Query, Request
from starlette.responses import Response

from api.answered.imports import ImportApproval, ImportItem, ImportReport, Imports
from api.asked import Nothing
from api.errand import Investigation, Supervision, TheHouse, json_answer
from api.fields import Id, Line, Organisation
from api.operator import Reader
from api.paging import Pages
from api.problems import OtherOrganisation, UnsupportedMediaType
from api.routes import COMMANDS, LISTS, READS, router
from watchlist.application.import_list import approve_import, submit_import
from watchlist.domain.refusals import NoSuchImport

routes = router("imports", "/imports")

CSV = "text/csv"
FILE = {"requestBody": {"required": True, "content": {CSV: {"schema": {"type": "string"}}}}}
SHOWN = tuple(ImportItem.model_fields)


async def csv_body(request: Request) -> bytes:
    """The file as it was sent; the verb reads it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != CSV:
        raise UnsupportedMediaType()
    return await request.body()


@routes.post(
    "",
    status_code=201,
    response_model=ImportReport,
    responses={200: {"model": ImportReport}, **COMMANDS},
    openapi_extra=FILE,
)
def submit_an_import(
    errand: Investigation,
    house: TheHouse,
    text: Annotated[bytes, Depends(csv_body)],
    organisation: Annotated[Organisation | None, Query(description="one's own")] = None,
    file_name: Annotated[
        Line, Header(description="to find the file again; never in the address")
    ] = "import.csv",
    dry_run: Annotated[bool, Query(description="report, and record nothing")] = False,
) -> Response:
    """Propose every line that can be, and report the others; 200 when nothing was recorded."""
    if organisation not in (None, errand.asker.organisation):
        raise OtherOrganisation("organisation")
    report = submit_import(house.desk, errand.ask, text, file_name, dry_run)
    recorded = report.import_id is not None and not dry_run
    position = house.pictures.position()
    body = {"id": report.import_id, "version": report.version, "position": position, **report.body()}
    return json_answer(body, 201 if recorded else 200)


@routes.get("", response_model=Imports, responses=LISTS)
def list_imports(asker: Reader, house: TheHouse, pages: Pages) -> Response:
    """The imports of one's organisation (auditors: of all), by id."""
    found = house.pictures.imports(asker.scope, pages.after_id, pages.fetch)
    return pages.answer(found, lambda row: row["import_id"], _item)


@routes.get("/{import_id}", response_model=ImportItem, responses=READS)
def read_an_import(import_id: Id, asker: Reader, house: TheHouse) -> Response:
    """One import: how many lines it proposed, and whether they were approved."""
    found = house.pictures.import_(asker.scope, import_id)
    if found is None:
        raise NoSuchImport()
    return json_answer(_item(found))


def _item(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in SHOWN}


@routes.post("/{import_id}/approval", response_model=ImportApproval, responses=COMMANDS)
def approve_an_import(
    import_id: Id, errand: Supervision, body: Annotated[Nothing | None, Body()] = None
) -> Response:
    """Approve an import of somebody else: every proposal of it that still can takes effect."""
    return errand.tell(lambda desk, ask: approve_import(desk, ask, import_id))
