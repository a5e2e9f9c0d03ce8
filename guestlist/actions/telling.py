"""What endpoints are told: events joined with their rows, shaped and put into one request by the endpoint's dialect."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from guestlist.outbound.base import Dialect, Endpoint, Rendered, Request, Told
from guestlist.storage.base import Row
from guestlist.storage.event_rows import EventRows
from guestlist.storage.instants import from_ms


def build_told(event: Row, found: EventRows) -> Told:
    """An event with its rows. `event` is a notice with its event's columns."""
    return Told(
        id=event["event_id"],
        kind=event["kind"],
        subject=event["subject"],
        data=orjson.loads(event["data"]),
        at=from_ms(event["at"]),
        **found.about(event),
    )


def render_request(dialect: Dialect, endpoint: Endpoint, tellings: Sequence[Told]) -> Request | None:
    """One request for these events, unsigned; None where the dialect has none of them. Several are a JSON array."""
    rendered = [each for told in tellings if (each := dialect.renderer.render(told, endpoint)) is not None]
    if not rendered:
        return None
    whole = rendered[0] if dialect.batching(endpoint) is None else join(rendered)
    return Request(whole.method, whole.url or endpoint.url, whole.headers, whole.body)


def join(rendered: Sequence[Rendered]) -> Rendered:
    """Several bodies as one JSON array."""
    first = rendered[0]
    return Rendered(b"[" + b",".join(each.body for each in rendered) + b"]", first.method, first.url, first.headers)
