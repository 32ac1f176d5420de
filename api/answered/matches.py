"""What is answered to case tools that speak the open convention of matching."""

from __future__ import annotations

from pydantic import Field

from api.fields import Answered, Id
from watchlist.application.search_subjects import Certainty


class Explanation(Answered):
    score: float = Field(ge=0, le=1)
    detail: str


class Match(Answered):
    """A subject of one's own organisation that resembles what was asked, and why."""

    id: Id
    caption: str = Field(examples=["Marie Claude Delatour"])
    schema_: str = Field(alias="schema", examples=["Person"])
    properties: dict[str, list[str]]
    datasets: list[str]
    referents: list[Id]
    score: float = Field(ge=0, le=1, examples=[0.9])
    match: bool = Field(description="whether the score reaches the threshold; it decides nothing")
    features: dict[str, float]
    explanations: dict[str, Explanation]
    certainty: Certainty


class Total(Answered):
    value: int = Field(ge=0)
    relation: str = Field(examples=["eq"])


class MatchAnswer(Answered):
    """Of one query: 200 and its results, or 400 and why it cannot be read."""

    status: int = Field(examples=[200])
    results: list[Match]
    total: Total
    code: str | None = None
    field: str | None = None
    detail: str | None = None


class Matcher(Answered):
    description: str
    coefficient: float


class Matches(Answered):
    responses: dict[str, MatchAnswer]
    matcher: dict[str, Matcher] = Field(description="what a feature means, and its weight")
    limit: int
