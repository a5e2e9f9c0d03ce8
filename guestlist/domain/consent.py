"""Permission and its proof: what an attestation must say, and how the ledger is chained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guestlist.errors import RefusedError

GENESIS = "0" * 64
"""The `previous_hash` of a workspace's first ledger entry."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """The business's statement that everybody on a list agreed to marketing messages."""

    by: str  # who says so
    words: str  # the exact words people agreed to
    basis: str  # how they agreed: "checkout checkbox", "paper form" …


def check_attestation(by: str, words: str, basis: str) -> Attestation:
    """The attestation, complete. Errors: RefusedError `consent_missing` naming what is missing; nothing may go to Meta."""
    given = {"by": by.strip(), "words": words.strip(), "basis": basis.strip()}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise RefusedError(
            f"No consent attestation: {', '.join(missing)} missing. Nothing was sent to Meta.",
            code="consent_missing",
            remedy="Say who attests (by), the exact words people agreed to (words) and how they agreed (basis).",
            missing=missing,
        )
    return Attestation(**given)


def stands(acts: Sequence[str]) -> bool:
    """Whether a permission stands after these acts of the ledger, in their order: the last word holds."""
    return bool(acts) and acts[-1] in ("granted", "restored")


def chain_hash(previous: str, entry: Mapping[str, Any]) -> str:
    """SHA-256, hex, over the previous entry's hash and this entry's content. A changed or missing entry breaks the chain."""
    content = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{content}".encode()).hexdigest()
