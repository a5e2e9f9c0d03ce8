"""Sealed refs: what we want to know again of somebody who comes to Messenger by a link or a plugin of ours.

The text travels through the person's browser and Meta, so it is encrypted and authenticated: nobody can read it, change it,
or carry it to another workspace. It needs no table, and says itself when it ends.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from guestlist.errors import ConfigurationError, UsageError
from guestlist.storage.instants import to_ms

from .base import Services

LONGEST = 2083
"""Characters that a ref may have: what fits into a URL everywhere."""


class BadRefError(UsageError):
    """This ref was not made here, or was changed on its way."""

    code = "bad_ref"


def seal_ref(services: Services, workspace_id: str, state: Mapping[str, Any], *, until: datetime | None = None) -> str:
    """The state as an opaque text for URLs (letters, digits, `-`, `_`); it opens only in this workspace, and until then.

    Errors: UsageError `ref_too_long` where it would have more than 2,083 characters.
    """
    document = {"state": dict(state), "until": to_ms(until) if until else None}
    sealed = services.vault.seal(orjson.dumps(document).decode(), _place(workspace_id))
    text = base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
    if len(text) > LONGEST:
        raise UsageError(
            f"Sealed, this has {len(text):,} characters; a ref takes {LONGEST:,}.",
            code="ref_too_long",
            remedy="Keep it with your own records, and put their key into the ref.",
        )
    return text


def open_ref(services: Services, workspace_id: str, text: str) -> Mapping[str, Any]:
    """The state of a ref that `seal_ref` made. Errors: BadRefError `bad_ref`, or `ref_expired` once its time is over."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        opened = services.vault.open(sealed, _place(workspace_id))
    except (ValueError, binascii.Error, ConfigurationError):
        raise BadRefError(remedy="Make a new one.") from None
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() != text:
        raise BadRefError(remedy="Make a new one.")  # another spelling of the same bytes
    document = orjson.loads(opened)
    if document["until"] is not None and services.now_ms() >= document["until"]:
        raise BadRefError("This ref is too old.", code="ref_expired", remedy="Make a new one.")
    state: Mapping[str, Any] = document["state"]
    return state


def _place(workspace_id: str) -> str:
    return f"refs:{workspace_id}:state"
