"""Opt-ins that a business states of a contact: they stand in the consent ledger, and open no address that the person closed."""

from __future__ import annotations

from collections.abc import Mapping

from guestlist.domain.messages import Channel
from guestlist.storage.base import Transaction
from guestlist.storage.ledgers import Consent, append_consents
from guestlist.storage.opt_ins import find_granted

from .base import Services


async def state_opt_ins(
    services: Services, workspace_id: str, contact_id: str, stated: Mapping[Channel, bool], *, by: str
) -> None:
    """Writes to the ledger what it does not say yet: whether the contact has opted in to each channel. `by` = who states it."""

    async def unit(tx: Transaction) -> None:
        granted = await find_granted(tx, workspace_id, [contact_id])
        entries = [
            Consent(
                f"contact:{contact_id}",
                "granted" if wanted else "withdrawn",
                source=f"{by}_opt_in" if wanted else f"{by}_opt_out",
                by=by,
                channel=channel.value,
            )
            for channel, wanted in stated.items()
            if wanted != ((contact_id, channel.value) in granted)
        ]
        await append_consents(tx, workspace_id, services.now_ms(), entries)

    await services.db.write(unit)
