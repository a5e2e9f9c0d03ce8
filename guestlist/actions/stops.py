"""STOP, HELP and START by SMS and e-mail, and objections that providers report: what they change, with proof in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from guestlist.domain.keywords import Word, find_word
from guestlist.domain.messages import Channel, Content, Draft, Rule, Target
from guestlist.storage import contacts as contact_rows
from guestlist.storage import texts as text_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.contacts import Place
from guestlist.storage.instants import to_ms
from guestlist.storage.ledgers import Consent, append_consents

from . import messages
from .base import Services

HELPED_BY = "keyword:help"
"""Who sends the answer to HELP, in the message's `by`."""

HELP_EVERY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Said:
    """A text message or e-mail from a person, kept already."""

    account: Row
    contact_id: str
    place: Place
    text: str = field(repr=False)
    at: int  # when it was said, milliseconds
    reply_id: str
    webhook_id: int | None = None


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why, and since when, consent ends or begins anew. `reason` is our word; `proof` has ids and codes, no number or text."""

    account_id: str
    at: int
    reason: str
    proof: Mapping[str, Any]


async def note_words(tx: Transaction, services: Services, workspace_id: str, said: Said) -> set[str]:
    """Does what a keyword asks for; the lanes that now have something due. Any other message changes nothing here."""
    word = find_word(said.text)
    if word is None:
        return set()
    proof = {"reply": said.reply_id, "webhook": said.webhook_id, "word": word.value}
    grounds = Grounds(said.account["id"], said.at, word.value, proof)
    if word is Word.STOP:
        return await end_consent(tx, services, workspace_id, said.contact_id, said.place, grounds)
    if word is Word.START:
        return await restore_consent(tx, services, workspace_id, said.contact_id, said.place, grounds)
    return await _answer_help(tx, services, workspace_id, said)


async def end_consent(
    tx: Transaction, services: Services, workspace_id: str, contact_id: str, place: Place, grounds: Grounds
) -> set[str]:
    """Closes an address for good: no claim follows. Told once; a second stop is no news."""
    if not await contact_rows.close_address(tx, workspace_id, place, at=grounds.at, reason=grounds.reason):
        return set()
    return await _record(tx, services, workspace_id, contact_id, place, grounds, act="withdrawn", event="contact.opted_out")


async def restore_consent(
    tx: Transaction, services: Services, workspace_id: str, contact_id: str, place: Place, grounds: Grounds
) -> set[str]:
    """Opens an address that was closed; the person's own words are the evidence, and stand in the ledger."""
    if not await contact_rows.reopen_address(tx, workspace_id, place, at=grounds.at):
        return set()
    return await _record(tx, services, workspace_id, contact_id, place, grounds, act="restored", event="contact.opted_in")


async def _record(
    tx: Transaction,
    services: Services,
    workspace_id: str,
    contact_id: str,
    place: Place,
    grounds: Grounds,
    *,
    act: str,
    event: str,
) -> set[str]:
    channel = place.channel.value
    entry = Consent(f"contact:{contact_id}", act, source=grounds.reason, channel=channel, purpose="any", proof=grounds.proof)
    await append_consents(tx, workspace_id, services.now_ms(), [entry])
    told = {"channel": channel, "account_id": grounds.account_id, "reason": grounds.reason}
    return await services.emit(tx, workspace_id, event, contact_id, **told)


async def _answer_help(tx: Transaction, services: Services, workspace_id: str, said: Said) -> set[str]:
    """Sends the account's help text, once a day and person at most. Who has stopped gets none: no means no."""
    text = orjson.loads(said.account["config"]).get("help_text", "")
    since = to_ms(services.clock.now() - HELP_EVERY)
    if not text or await text_rows.was_sent_since(tx, workspace_id, said.contact_id, HELPED_BY, since):
        return set()
    channel = Channel(said.account["channel"])
    draft = Draft(Target(contact_id=said.contact_id), (Rule(channel, said.account["id"]),), Content(text=text))
    origin = messages.Origin(by=HELPED_BY)
    _, lanes = await messages.send_in(tx, services, workspace_id, messages.Request(draft), origin)
    return lanes
