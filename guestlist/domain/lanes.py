"""Lanes: the units of ownership. One account, one ad account's uploads, one endpoint; one owner at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """Ownership of a lane. Rows are claimed and written with `fence`; a higher fence means somebody else owns it now."""

    lane: str  # "kind:id", such as "page:pag_01…"
    owner: str  # this process
    fence: int
