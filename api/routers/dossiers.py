"""Dossiers: how somebody stood on a day, for those who answer for the register (T3); reading one is logged."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.responses import Response

from api.answered.dossiers import Dossier
from api.errand import TheHouse, json_answer
from api.fields import Day, Id
from api.operator import Asker, allowed
from api.pdf import MEDIA_TYPE, Pdf
from api.routes import READS, problems, router
from watchlist.application.compile_dossier import compile_dossier
from watchlist.domain import periods
from watchlist.domain.dossier_paper import dossier_paper
from watchlist.domain.operator import Role

routes = router("audit", "/audit/dossiers")

Guardian = Annotated[Asker, Depends(allowed(Role.AUDITOR, Role.DPO))]
OnDay = Annotated[Day | None, Query(description="a day in Paris, today or earlier; absent: today")]
PAPER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "PDF/A-2a and PDF/UA-1, in French",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    },
    **problems(404, 409),
}


@routes.get("/{subject_id}", response_model=Dossier, responses=READS)
def compile_a_dossier(subject_id: Id, asker: Guardian, house: TheHouse, day: OnDay = None) -> Response:
    """Listed or not on that day, since when, by whose decision, who was told; sealed first, with its proofs."""
    return json_answer(compile_dossier(house.desk, house.proving, subject_id, day, asker.scope))


@routes.get("/{subject_id}/pdf", response_class=Pdf, responses=PAPER)
def print_a_dossier(subject_id: Id, asker: Guardian, house: TheHouse, day: OnDay = None) -> Response:
    """The same on paper, in French, with the leaves that its facts are cited from."""
    view = compile_dossier(house.desk, house.proving, subject_id, day, asker.scope)
    dated = periods.civil_date(house.clock.now())
    paper = dossier_paper(view, house.writing.contacts, dated)
    headers = {"Content-Disposition": f'attachment; filename="{subject_id}-{view["day"]}.pdf"'}
    return Pdf(house.writing.press.print_dossier(paper), headers=headers)
