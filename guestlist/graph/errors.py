"""Graph's answers told apart: a good one is given back as JSON, anything else becomes a classed GraphError.

Whether a refused or unreadable **write** was applied:

- An error envelope is a refusal, on HTTP 200 and 500 as on 400: applied NO. Throttling is one.
- Codes 1 and 2, the bare 2650 and 1/99, 1/1357046 are no refusals: Graph itself does not know what happened. Applied UNKNOWN at
  every HTTP status, for the fact page says that behaviour must not hang on the status. `is_transient` changes nothing here:
  it promises that the fault passes, not that the request had no effect.
- A number nobody documents is a refusal, but UNKNOWN on HTTP 5xx or where `is_transient` is set; an envelope without a number
  is a refusal on 4xx only.
- An answer without an envelope (HTML, an empty or cut body, JSON that is not what the call gives) is UNKNOWN, on HTTP 200 as on
  5xx; only 413 and 429 are NO, since they say that the request was turned away.
- "Reduce the amount of data" is code 1, so it is UNKNOWN like it, but on HTTP 413: the call is not repeated before it was cut.

A read has no effect, so its errors are always NO. `python -m guestlist.graph.errors` prints the reference page of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .base import Applied, ErrorClass, GraphError, Response, TooMuchDataError, TransportError
from .error_table import FAMILIES, TABLE, UNLISTED_MARKETING, Entry, find_entry
from .usage import regain_seconds
from .wire import Document, WireError, as_int, as_number, as_object, as_text, parse_json

LONGEST_WAIT = 7 * 86_400.0
"""Seconds. A longer wait in an answer is junk, and would overflow a date."""

TOO_MANY_PARAMETERS = 105
"""What Meta may also say of a call with too many rows (fact page 1.2)."""

TOO_LARGE = 413
"""The HTTP status of a body that was turned away for its size."""

STATUS_CLASSES = {401: ErrorClass.RECONNECT, 403: ErrorClass.RECONNECT, 429: ErrorClass.WAIT}
"""What an envelope with an unknown number asks for, where its HTTP status says more than "4xx: fix it"."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The error object of an answer, tamed. Meta's texts are left out: they may hold personal data."""

    code: int | None
    subcode: int | None
    transient: bool = False
    too_much_data: bool = False
    data: Document = field(default_factory=dict)
    fbtrace_id: str | None = None


def read_answer(response: Response, *, write: bool) -> Document:
    """The JSON object of a good answer. Errors: GraphError for every other."""
    if 200 <= response.status < 300:
        try:
            document = parse_json(response.body)
        except WireError:
            document = None
        if isinstance(document, Mapping) and not document.get("error"):
            return document
    raise classify(response, write=write)


def classify(response: Response, *, write: bool = True) -> GraphError:
    """The error behind an answer that is not a good one. `write` says whether the request could have had an effect."""
    envelope = _find_envelope(response.body)
    if envelope is None:
        return _classify_garbage(response, write=write)
    return build_error(envelope, write=write, status=response.status, headers=response.headers)


def build_error(
    envelope: Envelope, *, write: bool, status: int | None = None, headers: Mapping[str, str] | None = None
) -> GraphError:
    """The error an envelope means, by the table. `status` None: the envelope lay inside a good answer."""
    entry, number = find_entry(envelope.code, envelope.subcode) or (None, _own_number(envelope))
    if entry is not None:
        kind, sentence, unsure = entry.kind, entry.sentence, entry.vague
    else:
        turned_down = status is not None and 400 <= status < 500
        numbered = number is not None and (status is None or status < 500)
        unsure = envelope.transient or not (turned_down or numbered)
        kind = ErrorClass.RETRY if unsure else STATUS_CLASSES.get(status or 0, ErrorClass.FIX)
        sentence = _unlisted_sentence(envelope)
    make = GraphError
    if envelope.too_much_data or (write and envelope.code == TOO_MANY_PARAMETERS):
        make, kind, unsure = TooMuchDataError, ErrorClass.FIX, unsure and status != TOO_LARGE
    return make(
        sentence,
        kind=kind,
        applied=Applied.UNKNOWN if write and unsure else Applied.NO,
        code=envelope.code,
        subcode=envelope.subcode,
        number=number,
        status=status,
        retry_after=_retry_after(entry, envelope.data, headers or {}) if kind is ErrorClass.WAIT else None,
        fbtrace_id=envelope.fbtrace_id,
    )


def bad_answer(*, write: bool, status: int = 200) -> GraphError:
    """Graph answered well-formed JSON that is not what the call is documented to give."""
    return GraphError(
        "Graph's answer is not what this call is documented to give.",
        kind=ErrorClass.RETRY,
        applied=Applied.UNKNOWN if write else Applied.NO,
        status=status,
    )


def lost_answer(error: TransportError, *, write: bool) -> GraphError:
    """No whole answer came; a read is none the worse for it."""
    return GraphError(error.sentence, kind=ErrorClass.RETRY, applied=error.applied if write else Applied.NO)


def reason_of(error: GraphError) -> str:
    """The stable word stored with a row.

    `answer_lost` whenever the effect is unknown; then the table's word, such as `opted_out`, `cool_down`, `warming`,
    `throttled`, `token_dead` or `terms`; then `graph_<number>`; and without a number `bad_answer` (an answer that is none of
    Graph's), `unreachable` (never left, or a read whose answer was lost) or `bad_request` (refused by us before the call).
    """
    if error.applied is Applied.UNKNOWN:
        return "answer_lost"
    if error.number is not None:
        entry = _entry_of(error)
        return entry.reason if entry is not None and entry.reason else f"graph_{error.number}"
    if error.status == 429:
        return "throttled"
    if error.status is not None:
        return "bad_answer"
    return "unreachable" if error.kind is ErrorClass.RETRY else "bad_request"


def tries_of(error: GraphError) -> int | None:
    """How often a waiting call is worth making in all; None where it may wait as long as it matters."""
    entry = _entry_of(error)
    return entry.tries if entry is not None else None


def parse_envelope(value: Any) -> Envelope:
    """The error object under `error`; anything that is no object is an envelope without a number."""
    error = as_object(value)
    message = as_text(error.get("message")).lower()
    code = as_int(error.get("code"))
    return Envelope(
        code=code,
        subcode=as_int(error.get("error_subcode", error.get("subcode"))),
        transient=error.get("is_transient") is True,
        too_much_data=code == 1 and "reduce the amount of data" in message,
        data=_parse_error_data(error.get("error_data")),
        fbtrace_id=as_text(error.get("fbtrace_id"))[:64] or None,
    )


def _find_envelope(body: bytes) -> Envelope | None:
    try:
        document = parse_json(body)
    except WireError:
        return None
    error = document.get("error") if isinstance(document, Mapping) else None
    return parse_envelope(error) if error else None


def _classify_garbage(response: Response, *, write: bool) -> GraphError:
    status, make = response.status, GraphError
    if status == TOO_LARGE:
        sentence, kind, make = "Something before Graph turned the call away: it is too large.", ErrorClass.FIX, TooMuchDataError
    elif status == 429:
        sentence, kind = "Something before Graph turned the call away: too many calls.", ErrorClass.WAIT
    elif status >= 500:
        sentence, kind = f"Graph is down for a moment (HTTP {status}).", ErrorClass.RETRY
    elif status >= 300:
        sentence, kind = f"What answered (HTTP {status}) is not Graph: check the base URL and the version.", ErrorClass.FIX
    else:
        sentence, kind = "Graph's answer cannot be read.", ErrorClass.RETRY
    turned_away = status in (429, TOO_LARGE)
    return make(
        sentence,
        kind=kind,
        applied=Applied.UNKNOWN if write and not turned_away else Applied.NO,
        status=status,
        retry_after=_retry_after(None, {}, response.headers) if status == 429 else None,
    )


def _own_number(envelope: Envelope) -> int | None:
    return envelope.subcode if envelope.code is None else envelope.code


def _unlisted_sentence(envelope: Envelope) -> str:
    if envelope.code is None and envelope.subcode is None:
        return "Graph refused the call without giving a number."
    numbers = "/".join(str(number) for number in (envelope.code, envelope.subcode) if number is not None)
    return f"Graph refused the call with a number we do not know ({numbers})."


def _parse_error_data(value: Any) -> Document:
    if isinstance(value, str):
        try:
            value = parse_json(value.encode("utf-8", "replace"))
        except WireError:
            return {}
    return as_object(value)


def _retry_after(entry: Entry | None, data: Document, headers: Mapping[str, str]) -> float | None:
    """Seconds: what the envelope says, else for throttling what the headers say, else what Meta documents."""
    seconds = as_number(data.get("remaining_seconds"))
    if seconds is None and (minutes := as_number(data.get("estimated_time_to_regain_access"))) is not None:
        seconds = minutes * 60
    if seconds is None and (entry is None or entry.reason == "throttled"):
        seconds = regain_seconds(headers) or _retry_after_header(headers)
    if seconds is None and entry is not None:
        seconds = entry.retry_after
    return min(seconds, LONGEST_WAIT) if seconds is not None and seconds >= 0 else None


def _retry_after_header(headers: Mapping[str, str]) -> float | None:
    return next((as_number(value) for name, value in headers.items() if name.lower() == "retry-after"), None)


def _entry_of(error: GraphError) -> Entry | None:
    found = find_entry(error.number if error.code is None else error.code, error.subcode)
    return found[0] if found is not None else None


def render_page() -> str:
    """The reference page of the error table, in Markdown."""
    lines = [
        "# Graph errors",
        "",
        "Every error number of Meta's Graph API that Guestlist knows, what it asks for, and the word stored with a row.",
        "This page is made by `python -m guestlist.graph.errors > docs/reference/graph-errors.md`.",
        "",
        *_CLASSES,
        "",
        "| Code | Subcode | Class | Reason | What it means |",
        "|---|---|---|---|---|",
        *(_render_row(entry, entry.code, entry.subcode) for entry in TABLE),
        *(_render_row(entry, f"{numbers[0]}–{numbers[-1]}, others", None) for numbers, entry in FAMILIES),
        _render_row(UNLISTED_MARKETING, None, "23000xx, others"),
    ]
    return "\n".join(lines) + "\n"


_CLASSES = (
    "| Class | What happens |",
    "|---|---|",
    "| `retry` | A passing fault. Reads are repeated with back-off; a write only where it surely had no effect. |",
    "| `wait` | A limit, a warm-up or a cool-down. The work slows down or comes back later; it does not fail. |",
    "| `fix` | The call or its content is wrong. It is never repeated unchanged. |",
    "| `reconnect` | The token or a permission is gone. A person must reconnect the Page. |",
    "| `terms` | Terms, a region or a feature stand in the way. A person must act at Meta. |",
    "| `recipient` | This person cannot be reached. The work goes on with the others. |",
    "| `billing` | A payment or a budget stands in the way. A person must act at Meta. |",
    "",
    "A number without a code is looked for in `error_subcode` first, then in `code`.",
    "",
    "*In doubt* marks answers that are no refusals: a write may have had its effect all the same, so its row becomes `unknown`",
    "with the reason `answer_lost`; it is looked up, never repeated. The same holds for an answer that is lost or unreadable.",
    "",
    "Further reasons: `unreachable` (the call never left, or the answer to a read was lost), `bad_answer` (a read was answered",
    "with something that is not Graph's), `bad_request` (we refused the call before it was made).",
)


def _render_row(entry: Entry, code: object, subcode: object) -> str:
    number = subcode if subcode is not None else code
    word = entry.reason or (f"graph_{number}" if isinstance(number, int) else "graph_<number>")
    notes = [entry.sentence]
    if entry.vague:
        notes.append("*In doubt.*")
    if entry.retry_after is not None:
        notes.append(f"Tried again after {entry.retry_after / 60:.0f} min.")
    if entry.tries is not None:
        notes.append(f"Tried {entry.tries} times in all.")
    cells = ["" if code is None else code, "" if subcode is None else subcode, f"`{entry.kind}`", f"`{word}`", " ".join(notes)]
    return f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    print(render_page(), end="")
