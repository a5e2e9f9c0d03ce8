"""Queries hold what a route reads and nothing else: a mistyped filter must not quietly show everything."""

from __future__ import annotations

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError


async def check_query(request: Request) -> None:
    """Passes when the route reads every parameter of the query. Errors: RequestValidationError."""
    if not request.query_params:
        return
    known = _names(request.scope["route"].dependant)
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        message = "There is no such parameter here"
        raise RequestValidationError([{"type": "extra_forbidden", "loc": ("query", name), "msg": message} for name in unknown])


def _names(dependant: Dependant) -> set[str]:
    """The parameters a route and everything it depends on read from the query."""
    return {field.alias for field in dependant.query_params}.union(*map(_names, dependant.dependencies))
