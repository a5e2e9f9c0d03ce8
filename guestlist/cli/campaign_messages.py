"""What a campaign says and until when, as it is given on the command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from guestlist.cli.list_files import STANDARD
from guestlist.domain.campaigns import text_message
from guestlist.errors import UsageError

LONGEST_FILE = 1024 * 1024


def read_message(text: str | None, file: Path | None) -> Mapping[str, Any]:
    """Meta's message object from a text or a file. Errors: UsageError unless exactly one is given and readable."""
    if (text is None) == (file is None):
        raise UsageError("A campaign needs one message.", code="bad_message", remedy="Give --text TEXT or --message FILE.json.")
    if text is not None:
        return text_message(text)
    assert file is not None
    try:
        document = orjson.loads(read_file(file))
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{file} is not JSON ({place}).", code="bad_message", remedy="Correct it there.") from None
    if not isinstance(document, dict):
        raise UsageError(f"{file} holds no object.", code="bad_message", remedy='Write Meta\'s message: {"text": "…"}.')
    return document


def read_file(file: Path) -> bytes:
    """A file's content; `-` is standard input. Errors: UsageError."""
    try:
        if file == STANDARD:
            return sys.stdin.buffer.read(LONGEST_FILE)
        with file.open("rb") as opened:
            return opened.read(LONGEST_FILE)
    except OSError as error:
        sentence = f"{file} cannot be read: {error.strerror}."
        raise UsageError(sentence, code="bad_message", remedy="Check the path.") from error


def parse_expiry(text: str) -> datetime:
    """An instant with its offset. Errors: UsageError."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        remedy = "Write date, time and offset: 2026-12-24T18:00:00+01:00, or 2026-12-24T17:00:00Z."
        raise UsageError("--expires-at is no instant with an offset.", code="bad_expiry", remedy=remedy)
    return instant
