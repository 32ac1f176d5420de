"""Problems: every refusal told as RFC 9457, by one table from refusal to status.

No problem holds a value that was sent: it names a field, a code and a state, in French or in English.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from eventsourcing import persistence
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import RouteContext, iter_route_contexts
from psycopg import OperationalError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from watchlist.adapters.codec import UnreadableEvent
from watchlist.application.work import Erased
from watchlist.domain import identifiers, refusals
from watchlist.domain.refusals import Refusal

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1
log = logging.getLogger("watchlist.api")


# Refusals that only a request can meet --------------------------------------------------------


class Unauthenticated(Refusal):
    """Send a valid API key or token: Authorization: Bearer KEY.

    fr: Envoyez une clé ou un jeton valide : Authorization: Bearer CLÉ.
    """


class PreconditionRequired(Refusal):
    """A change names the version it was made from: send If-Match with the ETag you read.

    fr: Une modification nomme la version dont elle part : envoyez If-Match avec l'ETag lu.
    """


class InvalidRequest(refusals.Malformed):
    """The request is malformed; `errors` names each field and why.

    fr: La demande est mal formée ; « errors » nomme chaque champ et pourquoi.
    """


class UnknownScheme(refusals.Malformed):
    """The scheme of identifiers is unknown.

    fr: Ce type d'identifiant est inconnu.
    """


class NirRefused(refusals.Malformed):
    """The social security number (NIR) is neither stored nor accepted as a key; remove it (S4).

    fr: Le numéro de sécurité sociale (NIR) n'est ni conservé ni accepté comme clé ; retirez-le (S4).
    """


class MalformedIdentifier(refusals.Malformed):
    """The identifier does not have the length or the characters of its scheme.

    fr: L'identifiant n'a pas la longueur ou les caractères de son type.
    """


class CheckFailed(refusals.Malformed):
    """The check digit of the identifier does not fit; one digit at least was mistyped.

    fr: La clé de l'identifiant ne correspond pas ; un chiffre au moins est erroné.
    """


class NoSuchPath(refusals.NotFound):
    """There is nothing at this address; see /docs.

    fr: Il n'y a rien à cette adresse ; voir /docs.
    """


class MethodNotAllowed(Refusal):
    """This address does not answer this method; see Allow.

    fr: Cette adresse ne répond pas à cette méthode ; voir Allow.
    """


class ContentTooLarge(Refusal):
    """The body is larger than this address accepts; split it.

    fr: Le corps dépasse ce que cette adresse accepte ; divisez-le.
    """


class NeedsHttp11(Refusal):
    """An answer that streams needs HTTP/1.1 or later: only there does its end show that it is whole.

    fr: Une réponse transmise en continu demande HTTP/1.1 ou plus récent : là seulement sa fin montre
    qu'elle est entière.
    """


class BodyTooSlow(Refusal):
    """The body stopped coming; send it again.

    fr: Le corps n'est plus arrivé ; envoyez-le à nouveau.
    """


class AddressTooLong(Refusal):
    """The address is longer than this service reads.

    fr: L'adresse est plus longue que ce que ce service lit.
    """


class HeadersTooLarge(Refusal):
    """The headers are larger than this service reads.

    fr: Les en-têtes sont plus longs que ce que ce service lit.
    """


class NotAcceptable(Refusal):
    """None of the types that Accept names is answered here; see /docs for those that are.

    fr: Aucun des types nommés par Accept n'est proposé ici ; voir /docs pour ceux qui le sont.
    """


class UnsupportedMediaType(Refusal):
    """The body is not of the type this address reads; see /docs for the Content-Type to send.

    fr: Le corps n'est pas du type que cette adresse lit ; voir /docs pour le Content-Type à envoyer.
    """


class OtherOrganisation(refusals.NotAllowed):
    """A key acts for one organisation, its own.

    fr: Une clé agit pour un seul organisme, le sien.
    """


class RecordErased(refusals.Conflict):
    """The data of this record were erased; nothing can be added to it.

    fr: Les données de cet enregistrement sont effacées ; rien ne peut y être ajouté.
    """


class TooManyRequests(Refusal):
    """This client has used up its quota; ask again after the seconds of Retry-After (S6).

    fr: Ce client a épuisé son quota ; renvoyez la demande après les secondes de Retry-After (S6).
    """

    def __init__(self, field: str | None = None, *, retry_after: int = 1) -> None:
        super().__init__(field)
        self.retry_after = retry_after


class InternalError(Refusal):
    """Something went wrong here; tell the operator of the service the X-Request-Id.

    fr: Une erreur est survenue ici ; communiquez le X-Request-Id à l'exploitant du service.
    """


# The table ------------------------------------------------------------------------------------

STATUS: Mapping[type[Refusal], int] = {
    Unauthenticated: 401,
    refusals.NotAllowed: 403,
    refusals.NotFound: 404,
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    BodyTooSlow: 408,
    refusals.Conflict: 409,
    refusals.StaleVersion: 412,
    ContentTooLarge: 413,
    AddressTooLong: 414,
    UnsupportedMediaType: 415,
    refusals.Malformed: 422,
    NeedsHttp11: 426,
    PreconditionRequired: 428,
    TooManyRequests: 429,
    HeadersTooLarge: 431,
    InternalError: 500,
    refusals.Unavailable: 503,
}

FRAMEWORK: Mapping[int, type[Refusal]] = {
    400: InvalidRequest,
    401: Unauthenticated,
    404: NoSuchPath,
    405: MethodNotAllowed,
    413: ContentTooLarge,
    415: UnsupportedMediaType,
    422: InvalidRequest,
}
IDENTIFIERS: Mapping[str, type[Refusal]] = {
    kind.code: kind for kind in (UnknownScheme, NirRefused, MalformedIdentifier, CheckFailed)
}


def status_of(kind: type[Refusal]) -> int:
    """The nearest row of the table."""
    return next((STATUS[base] for base in kind.__mro__ if base in STATUS), 422)


def refused_identifier(error: identifiers.MalformedIdentifier, place: str) -> Refusal:
    """The refusal of an identifier, at the field of it that is wrong."""
    kind = IDENTIFIERS[error.code]
    part = "scheme" if kind is UnknownScheme else "value"
    return kind(f"{place}.{part}", detail=error.detail)


@cache
def all_kinds() -> dict[str, type[Refusal]]:
    """code -> refusal, of every module that was imported."""
    return {kind.code: kind for kind in _below(Refusal)}


def _below(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _below(sub)


# Told -----------------------------------------------------------------------------------------


class FieldError(BaseModel):
    """What is wrong with one field; never its value."""

    model_config = ConfigDict(extra="forbid")
    field: str = Field(examples=["identifiers[0].value"])
    code: str = Field(examples=["check_failed"])
    message: str = Field(examples=["Check the digits, one at least was mistyped."])


class Problem(BaseModel):
    """RFC 9457. `code` and `type` are stable; `title` and `detail` are for people, in French or English."""

    model_config = ConfigDict(extra="forbid")
    type: str = Field(examples=["/problems/already_proposed"])
    title: str = Field(
        examples=["This case already has an active or proposed inscription of this subject (L8)."]
    )
    status: int = Field(examples=[409])
    code: str = Field(examples=["already_proposed"])
    detail: str | None = None
    field: str | None = Field(None, examples=["subject_id"])
    state: str | None = Field(None, examples=["proposed"])
    errors: list[FieldError] | None = None


def wants_french(accept_language: str) -> bool:
    """Whether French is preferred to English; English when nothing is said."""
    weights = {"fr": 0.0, "en": 0.0}
    for part in accept_language.lower().split(",")[:20]:
        tag, _, parameters = part.partition(";")
        language = tag.strip().split("-")[0]
        if language in weights:
            weights[language] = max(weights[language], _weight(parameters))
    return weights["fr"] > weights["en"]


def _weight(parameters: str) -> float:
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameters)
    return float(found[1]) if found else 1.0


def problem(
    kind: type[Refusal],
    french: bool = False,
    *,
    detail: str | None = None,
    field: str | None = None,
    state: str | None = None,
    errors: Sequence[Mapping[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem; `detail` only where it says more than the title."""
    title = (kind.french if french else kind.english) or kind.english
    parts = {
        "type": f"/problems/{kind.code}",
        "title": title,
        "status": status_of(kind),
        "code": kind.code,
        "detail": title if detail is None or detail == kind.english else detail,
        "field": field,
        "state": state,
        "errors": errors,
    }
    body = msgspec.json.encode({name: part for name, part in parts.items() if part is not None})
    return Response(body, status_of(kind), {**_headers(kind), **(headers or {})}, MEDIA_TYPE)


def _headers(kind: type[Refusal]) -> dict[str, str]:
    if status_of(kind) == 401:
        return {"WWW-Authenticate": 'Bearer realm="watchlist"'}
    if status_of(kind) == 426:
        return {"Upgrade": "HTTP/1.1", "Connection": "Upgrade"}
    if status_of(kind) == 503:
        return {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return {}


def of_refusal(refusal: Refusal, french: bool) -> Response:
    return problem(
        type(refusal),
        french,
        detail=refusal.detail,
        field=refusal.field,
        state=refusal.state,
        errors=_texts_to_redact(refusal, french),
        headers=_later(refusal),
    )


def _later(refusal: Refusal) -> dict[str, str] | None:
    return {"Retry-After": str(refusal.retry_after)} if isinstance(refusal, TooManyRequests) else None


def _texts_to_redact(refusal: Refusal, french: bool) -> list[dict[str, str]] | None:
    """Which texts of which cases: random ids, as the case file shows them."""
    if not isinstance(refusal, refusals.TextsNameTheSubject):
        return None
    message = MESSAGES["names_the_subject"][french]
    return [
        {"field": f"cases/{case}/texts/{text}", "code": "names_the_subject", "message": message}
        for case, text in refusal.texts
    ]


# Fields ---------------------------------------------------------------------------------------

# pydantic's own messages may show what was sent (a union's tag, a character of an id): these never do.
MESSAGES: Mapping[str, tuple[str, str]] = {
    "missing": ("This field is required.", "Ce champ est obligatoire."),
    "extra_forbidden": ("This field is unknown.", "Ce champ est inconnu."),
    "unknown_parameter": ("This parameter is unknown or repeated.", "Ce paramètre est inconnu ou répété."),
    "string_too_long": ("At most {max_length} characters.", "Au plus {max_length} caractères."),
    "string_too_short": ("At least {min_length} characters.", "Au moins {min_length} caractères."),
    "too_long": ("At most {max_length} items.", "Au plus {max_length} éléments."),
    "too_short": ("At least {min_length} items.", "Au moins {min_length} éléments."),
    "string_type": ("A text is expected.", "Un texte est attendu."),
    "string_pattern_mismatch": ("The form is {pattern}.", "La forme est {pattern}."),
    "int_type": ("A whole number is expected.", "Un nombre entier est attendu."),
    "int_parsing": ("A whole number is expected.", "Un nombre entier est attendu."),
    "bool_type": ("true or false is expected.", "true ou false est attendu."),
    "list_type": ("A list is expected.", "Une liste est attendue."),
    "model_attributes_type": ("An object is expected.", "Un objet est attendu."),
    "enum": ("One of {expected} is expected.", "Une valeur parmi {expected} est attendue."),
    "literal_error": ("One of {expected} is expected.", "Une valeur parmi {expected} est attendue."),
    "union_tag_invalid": ("One of {expected_tags} is expected.", "Une valeur parmi {expected_tags} est attendue."),
    "union_tag_not_found": ("This field is required: {discriminator}.", "Ce champ est obligatoire : {discriminator}."),
    "greater_than_equal": ("At least {ge}.", "Au moins {ge}."),
    "less_than_equal": ("At most {le}.", "Au plus {le}."),
    "not_positive": ("More than zero.", "Plus que zéro."),
    "json_invalid": ("The body is not JSON.", "Le corps n'est pas du JSON."),
    "date_expected": ("Write a date as 2024-02-29.", "Écrivez une date comme 2024-02-29."),
    "date_out_of_range": ("Check the year: from 1850 to 2199.", "Vérifiez l'année : de 1850 à 2199."),
    "instant_expected": (
        "Write an instant with its offset, as 2024-02-29T12:00:00Z (in an address, + is %2B).",
        "Écrivez un instant avec son décalage, comme 2024-02-29T12:00:00Z (dans une adresse, + s'écrit %2B).",
    ),
    "known_before": (
        "What was known is asked of the instant itself, or of a later one.",
        "Ce qui était connu se demande à l'instant même, ou à un instant ultérieur.",
    ),
    "known_without_instant": (
        "Say the instant that is asked about too.",
        "Indiquez aussi l'instant sur lequel porte la question.",
    ),
    "instants_out_of_order": (
        "The second instant comes before the first.",
        "Le second instant précède le premier.",
    ),
    "instant_in_the_future": ("The instant is still to come.", "L'instant est encore à venir."),
    "id_expected": ("Write an id as this service gave it.", "Écrivez un id comme ce service l'a donné."),
    "characters_refused": ("Remove control characters.", "Retirez les caractères de contrôle."),
    "nothing_asked": (
        "Give an identifier, a family name or a name to search for.",
        "Donnez un identifiant, un nom de famille ou une dénomination à chercher.",
    ),
    "float_parsing": ("A number is expected.", "Un nombre est attendu."),
    "unknown_algorithm": ("There is one algorithm: best.", "Il y a un seul algorithme : best."),
    "nothing_changed": ("Give at least one field to change.", "Donnez au moins un champ à modifier."),
    "other_kind": ("A subject of this kind has no such field.", "Une personne de ce type n'a pas ce champ."),
    "answer_or_refusal": (
        "Give an answer, or refuse; a reason is of a refusal.",
        "Donnez une réponse, ou refusez ; un motif est celui d'un refus.",
    ),
    "cursor": (
        "Use the cursor of the page before, with the same filters.",
        "Utilisez le curseur de la page précédente, avec les mêmes filtres.",
    ),
    "names_the_subject": ("Redact this text: it names the subject.", "Occultez ce texte : il nomme la personne."),
    "header": ("The header is malformed.", "L'en-tête est mal formé."),
    "etag": ('Write the version as its ETag was: "3".', 'Écrivez la version comme son ETag : "3".'),
}  # fmt: skip
OTHERWISE = ("This value is not accepted here.", "Cette valeur n'est pas acceptée ici.")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_INVENTED = re.compile(r"[a-z][a-z_]{0,31}")
"""A name that is unknown here was chosen by the client: it is repeated to them only where it can be a field's."""
_UNKNOWN = {"extra_forbidden", "unknown_parameter"}
_BRANCHES = {"person", "organisation"}
"""Which alternative of a subject was read is no field of it."""
_SOURCES = {"body", "query", "path", "header", "cookie"}


def invalid(field: str, code: str) -> RequestValidationError:
    """A field found wrong outside the models."""
    return RequestValidationError([{"loc": (field,), "type": code}])


def field_errors(found: Sequence[Mapping[str, Any]], french: bool) -> list[dict[str, str]]:
    return [_field_error(one, french) for one in found[:100]]


def _field_error(found: Mapping[str, Any], french: bool) -> dict[str, str]:
    code = str(found["type"])
    sentence = MESSAGES.get(code, OTHERWISE)[french]
    return {
        "field": _path(found["loc"], code),
        "code": code,
        "message": sentence.format_map(found.get("ctx") or {}),
    }


def _path(location: Sequence[str | int], code: str) -> str:
    """subjects[0].value; a name that nobody here could have chosen is not repeated."""
    parts = list(location)
    if len(parts) > 1 and parts[0] in _SOURCES:
        parts = parts[1:]
    if len(parts) > 1 and parts[0] in _BRANCHES:
        parts = parts[1:]
    if code == "json_invalid":
        return "body"
    if code in _UNKNOWN and not _INVENTED.fullmatch(str(parts[-1])):
        parts[-1] = "?"
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if _NAME.fullmatch(part) else ".?"
    return path.removeprefix(".")


# Caught ---------------------------------------------------------------------------------------


def install(app: FastAPI) -> None:
    """The handlers of everything that can be raised."""
    app.add_exception_handler(Refusal, _on_refusal)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Erased, _on_erased)
    app.add_exception_handler(UnreadableEvent, _on_unreadable)
    for unreachable in (OperationalError, persistence.OperationalError, persistence.InterfaceError):
        app.add_exception_handler(unreachable, _on_unreachable)


def _french(request: Request) -> bool:
    return wants_french(request.headers.get("accept-language", ""))


def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return of_refusal(error, _french(request))


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _is_of_another_type(request, error):
        return problem(UnsupportedMediaType, _french(request))
    errors = field_errors(error.errors(), _french(request))
    return problem(InvalidRequest, _french(request), errors=errors)


def _is_of_another_type(request: Request, error: RequestValidationError) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    of_the_body = any(tuple(one["loc"]) == ("body",) and one["type"] != "missing" for one in error.errors())
    return of_the_body and media_type != "application/json" and not media_type.endswith("+json")


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _of_another_method(request)
    kind = FRAMEWORK.get(error.status_code, InternalError)
    return problem(kind, _french(request), headers=error.headers)


def _of_another_method(request: Request) -> Response:
    """405, and the answer to OPTIONS: both name every method of the address, which may be several routes'."""
    methods = set().union(*(_methods(context, request.scope["path"]) for context in _contexts(request)))
    allowed = {"Allow": ", ".join(sorted({*methods, "OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allowed)
    return problem(MethodNotAllowed, _french(request), headers=allowed)


def _contexts(request: Request) -> Iterator[RouteContext]:
    return iter_route_contexts(request.app.routes)


def _methods(context: RouteContext, path: str) -> set[str]:
    route = context.original_route
    matches = isinstance(route, Route) and route.path_regex.match(path)
    return set(context.methods or ()) if matches else set()


def _on_erased(request: Request, error: Exception) -> Response:
    return problem(RecordErased, _french(request), state="erased")


def _on_unreachable(request: Request, error: Exception) -> Response:
    log.warning("the database does not answer: %s", type(error).__name__)
    return problem(refusals.Busy, _french(request))


def _on_unreadable(request: Request, error: Exception) -> Response:
    """An event of a newer version: its topic and place are for whoever runs the service, and no state is ever told."""
    log.error("%s", error)
    return problem(refusals.RecordUnreadable, _french(request))
