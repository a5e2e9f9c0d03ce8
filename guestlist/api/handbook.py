"""The page `docs/reference/http-api.md`, made from the routes: `python -m guestlist.api.handbook` prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from guestlist.actions.idempotency import MismatchError
from guestlist.api import problems
from guestlist.api.app import TAGS, add_routes
from guestlist.api.openapi import describe, name_operation
from guestlist.errors import DependencyError, GuestlistError, NotFoundError, UnauthenticatedError

BASE = "http://127.0.0.1:8080"
INTRODUCTION = f"""\
# HTTP API

Made from the code by `python -m guestlist.api.handbook`; do not edit. A running server shows the same with every field at
`/docs`, and as OpenAPI 3.1 at `/openapi.json`.

```console
$ export KEY=$(guestlist keys create laptop --json | jq -r .key)
$ curl "{BASE}/v1/lists?region=GB" -H "Authorization: Bearer $KEY" -H "Content-Type: text/csv" --data-binary @customers.csv
$ curl {BASE}/v1/campaigns -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $(uuidgen)" \\
    --json '{{"page_id": "pag_…", "name": "Spring", "text": "20 % off until Sunday."}}'
```

**Keys.** Everything under `/v1` needs `Authorization: Bearer gl_…`. A key opens one workspace; what belongs to another one is
not found. The first key is made by the command line, further ones by `POST /v1/keys`. A key is shown once.

**Slices.** Listings answer `{{"data": […], "next": "…"}}`. `limit` is 1 to 200, 50 if not given; give `next` as `after` for what
follows; `next` is null at the end. Rows added meanwhile move nothing.

**Idempotency.** Every POST takes an `Idempotency-Key` of 1 to 255 printable ASCII characters. For 24 hours the same key with the
same method, path, query and body has one effect and is given the same answer again, refusals too, with
`Idempotency-Replayed: true`. Answers are kept sealed, for one may hold a new API key. With anything else under that key: 422
`idempotency_mismatch`. While the first is worked on: 409 `idempotency_in_progress` and `Retry-After`. A failure that had no
effect (5xx) frees the key. Where the effect is not known, because the server died or met a fault of its own, the key stays
taken: 409 `idempotency_unfinished` asks you to read the resource first. Nothing is ever done twice blindly.

**Bodies.** JSON up to 1 MiB; a field or query parameter that is not described is refused. A customer file is the body itself, up
to 64 MiB or `GUESTLIST_LIST_MAX_BYTES`, whichever is less: it is held in memory, because clear values may not touch the disk.
Larger files go in by `guestlist lists import`.

**Errors.** Problems by RFC 9457, `application/problem+json`: `type` (`urn:guestlist:error:` and the code), `title`, `status`,
`detail` (what happened), `code` (stable: build on it), `remedy` (the way out), `instance` (the request's id, also in
`X-Request-Id`), with `invalid_request` also `errors` (`field`, `code`, `message`). Values that were sent are not repeated.
Each room adds codes of its own, such as `consent_missing` (409), `no_recipients` (409), `terms_not_accepted` (409),
`graph_retry` (503); codes of files are on the page of reject codes. These belong to the door:
"""
DOOR: tuple[type[GuestlistError], ...] = (
    problems.MalformedJsonError,
    UnauthenticatedError,
    NotFoundError,
    problems.UnknownPathError,
    problems.WrongMethodError,
    problems.BodyTooLargeError,
    problems.MediaTypeError,
    problems.InvalidRequestError,
    MismatchError,
    problems.InternalError,
    problems.NotReadyError,
    DependencyError,
)
OTHERS = (
    (400, "bad_cursor", "`after` is no cursor of this listing."),
    (400, "bad_idempotency_key", "The Idempotency-Key cannot be one."),
    (409, "idempotency_in_progress", "The first request under this key is still being worked on."),
    (409, "idempotency_unfinished", "The first request under this key never got its answer."),
)


def write_page() -> Iterator[str]:
    """The lines of the page."""
    app = FastAPI(openapi_tags=TAGS, docs_url=None, redoc_url=None, generate_unique_id_function=name_operation)
    add_routes(app)
    document = describe(app)
    yield from INTRODUCTION.splitlines()
    yield ""
    yield from _table("Status", "Code", "Meaning")
    codes = [(each.status, each.code, (each.__doc__ or "").splitlines()[0]) for each in DOOR]
    yield from (f"| {status} | `{code}` | {meaning} |" for status, code, meaning in sorted([*codes, *OTHERS]))
    for tag in document["tags"]:
        yield from ("", f"## {tag['name'].capitalize()}", "", tag["description"], "")
        yield from _table("Route", "What it does", "Answers")
        for path, operations in document["paths"].items():
            yield from (_row(path, *item) for item in operations.items() if tag["name"] in item[1]["tags"])


def _table(*heads: str) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)


def _row(path: str, method: str, operation: dict[str, Any]) -> str:
    required = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query" and each["required"]]
    query = "?" + "&".join(f"{name}=" for name in required) if required else ""
    what = " ".join(operation["description"].split())
    return f"| `{method.upper()} {path}{query}` | {what} | {', '.join(sorted(operation['responses']))} |"


if __name__ == "__main__":
    print("\n".join(write_page()))
