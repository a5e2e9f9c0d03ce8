"""Batches: up to 50 calls in one `POST /` (fact page 0.5)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from .errors import GraphFault, invalid
from .params import Params

MOST_CALLS = 50
REFERENCE = re.compile(r"\{result=([A-Za-z0-9_-]+):\$\.([A-Za-z0-9_.]+)\}")

WRONG_ITEM = "Param batch must be an array of objects with method and relative_url"


@dataclass(frozen=True, slots=True)
class Part:
    """One call of a batch, ready to run."""

    method: str
    path: str
    query: bytes
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What one call of a batch gave."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


Run = Callable[[Part], Awaitable[PartAnswer | None]]


async def run_batch(params: Params, run: Run) -> list[dict[str, Any] | None]:
    """The answers in the order of the calls; null for one that got no answer. Errors: 100, GraphBatchException over 50."""
    items = params.sequence("batch", required=True) or []
    if len(items) > MOST_CALLS:
        raise GraphFault(
            f"Too many requests in batch message. Maximum batch size is {MOST_CALLS}", code=100, kind="GraphBatchException"
        )
    with_headers = params.boolean("include_headers") is not False
    named: dict[str, PartAnswer] = {}
    answers: list[dict[str, Any] | None] = []
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("relative_url"), str):
            raise invalid(WRONG_ITEM)
        part = _read_part(item, params, named)
        answer = await run(part) if part is not None else None
        name = item.get("name")
        if answer is not None and isinstance(name, str):
            named[name] = answer
        silent = item.get("omit_response_on_success", _is_needed(name, items)) and answer is not None and answer.status == 200
        answers.append(None if answer is None or silent else _show(answer, with_headers=with_headers))
    return answers


def _is_needed(name: object, items: list[Any]) -> bool:
    """Whether a later call refers to this one; Graph then leaves its answer out unless asked."""
    return isinstance(name, str) and any(isinstance(one, dict) and one.get("depends_on") == name for one in items)


def _read_part(item: dict[str, Any], params: Params, named: dict[str, PartAnswer]) -> Part | None:
    """None when the call this one depends on did not succeed."""
    parent = item.get("depends_on")
    if isinstance(parent, str) and (parent not in named or named[parent].status != 200):
        return None
    url = _fill(item["relative_url"], named)
    path, _, query = url.partition("?")
    body = item.get("body", "")
    if isinstance(body, dict):
        raw, content_type = orjson.dumps(body), "application/json"
    else:
        raw, content_type = _fill(str(body), named).encode("utf-8", "replace"), "application/x-www-form-urlencoded"
    inherited = {name: params[name] for name in ("access_token", "appsecret_proof") if isinstance(params.get(name), str)}
    full_query = "&".join(piece for piece in (urlencode(inherited), query) if piece)
    method = str(item.get("method", "GET")).upper()
    return Part(method, "/" + path.lstrip("/"), full_query.encode("ascii", "replace"), content_type, raw)


def _fill(text: str, named: dict[str, PartAnswer]) -> str:
    """Puts in values of earlier answers: `{result=first:$.data.0.id}`."""

    def look_up(found: re.Match[str]) -> str:
        value: Any = orjson.loads(named[found[1]].body) if found[1] in named else None
        for step in found[2].split("."):
            if isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                value = value.get(step) if isinstance(value, dict) else None
        return "" if value is None else str(value)

    return REFERENCE.sub(look_up, text)


def _show(answer: PartAnswer, *, with_headers: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"code": answer.status, "body": answer.body.decode()}
    if with_headers:
        shown["headers"] = [{"name": name.decode(), "value": value.decode()} for name, value in answer.headers]
    return shown
