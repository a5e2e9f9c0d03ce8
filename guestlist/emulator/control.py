"""The control surface under `/_emulator`: see the state, move time, script faults. No token is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from . import control_people, control_texts, control_world
from .emulator import Emulator
from .errors import GraphFault, invalid, unknown_object
from .faults import parse_fault, parse_webhook_faults
from .params import Params, decode_json
from .state import show_state

FOLDER = Path(__file__).parent
FASTEST = 1_000_000.0
FIRST_MOMENT, LAST_MOMENT = 0.0, 4_102_444_800.0  # 1970 to 2100
MOST_CALLS = 100_000

Handler = Callable[[Emulator, Params], Any]


def show_clock(emulator: Emulator, _params: Params) -> dict[str, Any]:
    clock = emulator.clock
    return {"now": clock.iso(), "unix": clock.now(), "speed": clock.speed}


def set_clock(emulator: Emulator, params: Params) -> dict[str, Any]:
    """`speed`, `advance_seconds` and `now` (ISO 8601), any of them. Due things happen at once."""
    clock = emulator.clock
    speed = _number(params, "speed", most=FASTEST)
    advance = _number(params, "advance_seconds", most=LAST_MOMENT)
    moment = _moment(params)
    if speed is None and advance is None and moment is None:
        raise invalid("Give speed, advance_seconds or now")
    if speed is not None:
        clock.set_speed(speed)
    if moment is not None:
        clock.jump_to(moment)
    if advance is not None:
        clock.jump_to(min(LAST_MOMENT, clock.now() + advance))
    emulator.scheduler.wake()
    return show_clock(emulator, params)


def _moment(params: Params) -> float | None:
    text = params.text("now")
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("Param now must be an ISO 8601 time with an offset") from None
    if moment.tzinfo is None or not FIRST_MOMENT <= moment.timestamp() <= LAST_MOMENT:
        raise invalid("Param now must be an ISO 8601 time with an offset, before 2100")
    return moment.timestamp()


def _number(params: Params, name: str, *, most: float) -> float | None:
    value = params.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise invalid(f"Param {name} must be a number from 0 to {most:g}")
    return float(value)


def show_calls(emulator: Emulator, params: Params) -> dict[str, Any]:
    """The call log: `path` (glob), `since` (a seq), `limit`."""
    since = params.integer("since", minimum=0) or 0
    limit = min(params.integer("limit", minimum=1) or 1000, MOST_CALLS)
    found = emulator.log.search(path=params.text("path"), since=since, limit=limit)
    return {"data": [entry.show() for entry in found], "next_since": found[-1].seq if found else since}


def add_faults(emulator: Emulator, params: Params) -> dict[str, Any]:
    """`faults`: rules for calls, added after those in force. `webhooks`: shares, replacing those in force."""
    rules = [parse_fault(raw) for raw in params.sequence("faults") or ()]
    webhooks = parse_webhook_faults(params["webhooks"]) if params.get("webhooks") is not None else None
    if not rules and webhooks is None:
        raise invalid("Give faults (a list of rules), or webhooks (shares)")
    emulator.faults.rules.extend(rules)
    if webhooks is not None:
        emulator.faults.webhooks = webhooks
    return show_faults(emulator, params)


def show_faults(emulator: Emulator, _params: Params) -> dict[str, Any]:
    faults = emulator.faults
    return {"faults": [rule.show() for rule in faults.rules], "webhooks": faults.webhooks.show()}


def clear_faults(emulator: Emulator, params: Params) -> dict[str, Any]:
    emulator.faults.clear()
    return show_faults(emulator, params)


def show_switches(emulator: Emulator, _params: Params) -> dict[str, str]:
    return emulator.switches.show()


def set_switches(emulator: Emulator, params: Params) -> dict[str, str]:
    for name, value in params.items():
        emulator.switches.set(name, value)
    return emulator.switches.show()


def set_limits(emulator: Emulator, params: Params) -> dict[str, int]:
    """`rate` (sends a second and Page, 0 = no limit), what one upload call may hold, and calls an hour by use case."""
    limits = emulator.limits
    for name in params:
        allowed = params.integer(name, minimum=0) or 0
        if name == "rate":
            limits.set_rate(allowed)
        elif name in limits.uploads:
            limits.uploads[name] = allowed
        elif name in limits.hourly:
            limits.hourly[name] = allowed
        elif name in limits.paces:
            limits.paces[name] = allowed
        else:
            known = ", ".join((*limits.uploads, *limits.hourly, *limits.paces))
            raise invalid(f"Unknown limit {name[:40]!r}; there are rate, {known}")
    return show_limits(emulator, params)


def show_limits(emulator: Emulator, _params: Params) -> dict[str, int]:
    return {"rate": emulator.limits.rate, **emulator.limits.uploads, **emulator.limits.hourly, **emulator.limits.paces}


async def reset(emulator: Emulator, params: Params) -> dict[str, str]:
    await emulator.reset()
    return control_world.show_world(emulator, params)


CONTROLS: dict[str, dict[str, Handler]] = {
    "/world": {"GET": control_world.show_world},
    "/clock": {"GET": show_clock, "POST": set_clock},
    "/state": {"GET": lambda emulator, _params: show_state(emulator)},
    "/calls": {"GET": show_calls},
    "/pages": {"POST": control_world.add_page},
    "/ad_accounts": {"POST": control_world.add_account},
    "/tokens": {"POST": control_world.add_token},
    "/tokens/kill": {"POST": control_world.kill_token},
    "/terms": {"POST": control_world.set_terms},
    "/audiences/flag": {"POST": control_world.flag_audience},
    "/faults": {"GET": show_faults, "POST": add_faults, "DELETE": clear_faults},
    "/switches": {"GET": show_switches, "POST": set_switches},
    "/limits": {"GET": show_limits, "POST": set_limits},
    "/pages/matching": {"POST": control_world.set_matching},
    "/people": {"GET": control_people.list_people, "POST": control_people.add_person},
    "/people/say": {"POST": control_people.let_person_say},
    "/people/tap": {"POST": control_people.let_person_tap},
    "/people/react": {"POST": control_people.let_person_react},
    "/people/read": {"POST": control_people.let_person_read},
    "/people/accept": {"POST": control_people.let_person_accept},
    "/people/decline": {"POST": control_people.let_person_decline},
    "/people/block": {"POST": control_people.let_person_block},
    "/people/comment": {"POST": control_people.let_person_comment},
    "/people/post": {"POST": control_people.let_person_post},
    "/people/opt_in": {"POST": control_people.let_person_opt_in},
    "/people/refer": {"POST": control_people.let_person_refer},
    "/people/opt_out": {"POST": control_world.let_person_opt_out},
    "/people/{psid}": {"GET": control_people.show_person},
    "/texts": {"GET": control_texts.show_texts, "POST": control_texts.set_inbound},
    "/texts/say": {"POST": control_texts.let_phone_say},
    "/reset": {"POST": reset},
}
PAGES = {"": "page.html", "/people": "people.html", "/people/{psid}": "person.html", "/texts": "texts.html"}
"""What a browser gets where a program gets JSON; the first page has no JSON."""


def build_control(emulator: Emulator) -> Starlette:
    """The ASGI app of everything under `/_emulator`."""
    pages = {path: (FOLDER / name).read_text(encoding="utf-8") for path, name in PAGES.items()}
    style = (FOLDER / "people.css").read_text(encoding="utf-8")
    routes = [
        Route(f"/_emulator{path}", _endpoint(emulator, handlers, pages.get(path)), methods=list(handlers))
        for path, handlers in CONTROLS.items()
    ]

    async def show_page(_request: Request) -> Response:
        return HTMLResponse(pages[""])

    async def show_style(_request: Request) -> Response:
        return Response(style, media_type="text/css")

    own = [Route("/_emulator", show_page), Route("/_emulator/", show_page), Route("/_emulator/people.css", show_style)]
    return Starlette(routes=[*own, *routes])


def _endpoint(emulator: Emulator, handlers: dict[str, Handler], page: str | None) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        if page is not None and request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page)
        handler = handlers.get(request.method, handlers.get("GET"))
        try:
            if handler is None:
                raise unknown_object(request.method, request.url.path)
            params = await _read_params(request, emulator.config.max_body)
            result = handler(emulator, params)
            if isinstance(result, Awaitable):
                result = await result
        except GraphFault as fault:
            return _json(fault.envelope(), fault.status)
        return _json(result, 200)

    return endpoint


async def _read_params(request: Request, most: int) -> Params:
    params = Params({**request.query_params, **request.path_params})
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise GraphFault("The body is too large", code=100, status=413)
    if body:
        value = decode_json(body, "The request body")
        if isinstance(value, list):
            value = {"faults": value}
        if not isinstance(value, dict):
            raise invalid("The request body must be a JSON object")
        params.update(value)
    return params


def _json(value: object, status: int) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/json")
