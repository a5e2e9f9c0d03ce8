"""Rows of an upload: schema, digests, invalid entries (fact page 1.2, 1.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .calls import Call
from .crowd import EMPTY
from .errors import GraphFault, invalid

MOST_SAMPLES = 100
HASHED = frozenset(["EMAIL", "PHONE", "GEN", "DOBY", "DOBM", "DOBD", "FN", "LN", "FI", "CT", "ST", "ZIP", "COUNTRY"])
PLAIN = frozenset(
    [
        "MADID",
        "EXTERN_ID",
        "PAGEUID",
        "APPUID",
        "LOOKALIKE_VALUE",
        "DATA_PROCESSING_OPTIONS",
        "DATA_PROCESSING_OPTIONS_COUNTRY",
        "DATA_PROCESSING_OPTIONS_STATE",
    ]
)
IDS = frozenset(["MADID", "EXTERN_ID", "PAGEUID", "APPUID"])
"""Ids that go up in clear. A Messenger list is matched by e-mail and phone alone: its rows may not hold them."""

SINGLE = {"EMAIL_SHA256": "EMAIL", "PHONE_SHA256": "PHONE", "MOBILE_ADVERTISER_ID": "MADID", "UID": "APPUID"}
DIGEST = re.compile(r"[0-9a-f]{64}")
EMPTY_HEX = EMPTY.hex()


@dataclass(slots=True)
class Rows:
    """What one payload holds. `digests`: for every usable row those of e-mail and phone, in schema order."""

    received: int
    digests: list[tuple[bytes, ...]] = field(default_factory=list)
    invalid: int = 0
    samples: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionPart:
    """Where a batch stands in its session."""

    id: str
    batch_seq: int
    last: bool


def read_rows(call: Call, *, messenger: bool = False) -> Rows:
    """The `payload` of a call. Errors: 100 for a wrong schema, rows that do not fit it, or too many; 1 for too many bytes."""
    most_rows, most_bytes = (call.emulator.limits.uploads[name] for name in ("upload_rows", "upload_bytes"))
    if call.size > most_bytes:
        raise GraphFault("Please reduce the amount of data you're asking for, then retry your request", code=1, status=500)
    payload = call.params.mapping("payload", required=True) or {}
    schema, data = payload.get("schema"), payload.get("data")
    if not isinstance(data, list) or not data:
        raise invalid("payload.data must be an array of rows")
    if len(data) > most_rows:
        raise GraphFault(f"payload.data holds {len(data)} rows; at most {most_rows} are allowed in a request", code=105)
    if isinstance(schema, str):
        keys = [SINGLE.get(schema, schema)]
        table: Sequence[Any] = [[cell] for cell in data] if not any(isinstance(cell, list) for cell in data) else ()
        if not table:
            raise invalid("payload.data must be an array of values when payload.schema is a string")
    elif isinstance(schema, list) and schema and all(isinstance(key, str) for key in schema):
        keys, table = [SINGLE.get(str(key), str(key)) for key in schema], data
    else:
        raise invalid("payload.schema must be a key or an array of keys")
    for key in keys:
        if key not in HASHED and key not in PLAIN:
            raise invalid(f"payload.schema holds an unknown key {key[:40]!r}")
    return _check_rows(keys, table, messenger=messenger)


def _check_rows(keys: Sequence[str], table: Sequence[Any], *, messenger: bool) -> Rows:
    rows = Rows(len(table))
    ids = [index for index, key in enumerate(keys) if messenger and key in IDS]
    hashed = [index for index, key in enumerate(keys) if key in HASHED]
    identity = [index for index, key in enumerate(keys) if key in ("EMAIL", "PHONE")]
    for number, row in enumerate(table):
        if not isinstance(row, list) or len(row) != len(keys):
            raise invalid(f"payload.data row {number} does not have the {len(keys)} values of payload.schema")
        bad = next((cell for cell in (row[index] for index in hashed) if cell != "" and not _is_digest(cell)), None)
        if bad is None:
            bad = next((row[index] for index in ids if row[index] not in ("", None)), None)
        found = tuple(bytes.fromhex(row[index]) for index in identity if _is_digest(row[index]))
        if bad is not None or not found:
            rows.invalid += 1
            if len(rows.samples) < MOST_SAMPLES:
                rows.samples[str(number)] = str(bad or "")[:200]
        if found:
            rows.digests.append(found)
    return rows


def _is_digest(cell: object) -> bool:
    """Lowercase hex SHA-256 of something: the digest of nothing is a client's mistake."""
    return isinstance(cell, str) and DIGEST.fullmatch(cell) is not None and cell != EMPTY_HEX


def read_session(call: Call, *, required: bool = False) -> SessionPart | None:
    """The `session` of a call. Errors: 100."""
    raw = call.params.mapping("session")
    if raw is None:
        if required:
            raise invalid("The parameter session is required")
        return None
    numbers = type(call.params)(raw)
    session_id = numbers.integer("session_id", minimum=1)
    batch_seq = numbers.integer("batch_seq", minimum=1)
    if session_id is None or batch_seq is None:
        raise invalid("session.session_id and session.batch_seq are required")
    numbers.integer("estimated_num_total", minimum=0)
    return SessionPart(str(session_id), batch_seq, numbers.boolean("last_batch_flag") or False)
