"""What is answered of a request of access: the shape that `watchlist.domain.access` gives an export (P3)."""

from __future__ import annotations

import types
from functools import cache, reduce
from operator import or_
from typing import Any, Union, get_args, get_origin

from msgspec import Struct, structs
from pydantic import BaseModel, create_model

from api.fields import Answered
from watchlist.domain import access

PREFIX = "Access"


@cache
def _model_of(struct: type[Struct]) -> type[BaseModel]:
    """The same fields, told to the OpenAPI: one shape in one place."""
    name = struct.__name__ if struct.__name__.startswith(PREFIX) else PREFIX + struct.__name__
    fields: dict[str, Any] = {field.name: (_told(field.type), ...) for field in structs.fields(struct)}
    return create_model(name, __base__=Answered, __doc__=struct.__doc__, **fields)


def _told(type_: Any) -> Any:
    if isinstance(type_, type) and issubclass(type_, Struct):
        return _model_of(type_)
    origin, inner = get_origin(type_), tuple(_told(one) for one in get_args(type_))
    if origin in (types.UnionType, Union):
        return reduce(or_, inner)
    return origin[inner] if origin in (list, dict) else type_


AccessExport = _model_of(access.AccessExport)
