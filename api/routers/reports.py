"""Reports for auditors and samples of their own: of one's own organisation for a DPO, of all for an auditor (T3)."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import Response

from api.answered.reports import ReportPage, Sample
from api.errand import TheHouse, json_answer
from api.fields import Instant
from api.operator import Asker, allowed
from api.paging import Pages
from api.problems import invalid
from api.routes import LISTS, router
from watchlist.application import reports
from watchlist.domain.operator import Role
from watchlist.domain.report import Report
from watchlist.domain.sampling import LARGEST_SAMPLE, SampledKind, settled_by

routes = router("audit", "/audit")

Guardian = Annotated[Asker, Depends(allowed(Role.AUDITOR, Role.DPO))]
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LAST_SCREENINGS = timedelta(days=7)
"""Screenings are many: unless it is said from when on, of the last week."""


@routes.get("/reports/{report}", response_model=ReportPage, responses=LISTS)
def read_a_report(report: Report, asker: Guardian, house: TheHouse, pages: Pages) -> Response:
    """What should not be, or should be looked at, as things stand now; empty when all is as the rules ask."""
    page = reports.Page(asker.scope, house.clock.now(), pages.after_id, pages.fetch)
    found = reports.read_report(house.register, house.reports, report, page)
    return pages.answer(found, lambda row: row["id"], lambda row: row)


@routes.get("/samples/{of}", response_model=Sample, responses=LISTS)
def draw_a_sample(
    of: SampledKind,
    asker: Guardian,
    house: TheHouse,
    seed: Annotated[
        str | None,
        Query(
            pattern=r"^[A-Za-z0-9_-]{1,64}$", description="the same draws the same; absent: one is made up"
        ),
    ] = None,
    size: Annotated[int, Query(ge=1, le=LARGEST_SAMPLE)] = 25,
    since: Annotated[
        Instant | None, Query(alias="from", description="absent: all; of screenings the last seven days")
    ] = None,
    as_of: Annotated[
        Instant | None, Query(description="of what there was by then; a minute ago at the latest")
    ] = None,
) -> Response:
    """A random sample that anybody can draw again from its seed and its instant."""
    latest = settled_by(house.clock.now())
    at = as_of or latest
    if at > latest:
        raise invalid("as_of", "instant_in_the_future")
    begun = at - LAST_SCREENINGS if of is SampledKind.SCREENINGS else EARLIEST
    drawing = reports.Drawing(of, seed or secrets.token_hex(8), since or begun, at, size)
    return json_answer(reports.draw_sample(house.reports, asker.scope, drawing))
