"""What providers report of our messages, applied: parts rise, deliveries and messages follow, in whatever order reports come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from guestlist.domain.facts import MessageReceipt, ReceiptKind
from guestlist.domain.states import Delivery
from guestlist.storage import early_receipts as early_rows
from guestlist.storage import messages as message_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import from_ms, to_ms
from guestlist.storage.messages import PartKey

from .base import Services
from .message_book import Book

RAISED_TO = {
    ReceiptKind.ECHO: Delivery.SENT,
    ReceiptKind.DELIVERED: Delivery.DELIVERED,
    ReceiptKind.READ: Delivery.READ,
    ReceiptKind.CLICKED: Delivery.READ,  # who clicked has read
    ReceiptKind.FAILED: Delivery.FAILED,
}
UP_TO = "up_to:"
"""How a watermark that came early is kept: with its person behind this, in place of a provider's id."""

KEPT_AS = {ReceiptKind.ECHO: "sent", ReceiptKind.CLICKED: "read"}
"""How a receipt is kept, where its kind is another word."""

INSTANTS = {
    Delivery.SENT: ("sent_at",),
    Delivery.DELIVERED: ("sent_at", "delivered_at"),
    Delivery.READ: ("sent_at", "delivered_at", "read_at"),
    Delivery.FAILED: (),
}


@dataclass(frozen=True, slots=True)
class Reported:
    """A receipt with when and in which raw webhook it came."""

    receipt: MessageReceipt
    received_at: datetime
    webhook_id: int | None = None


async def apply_receipt(
    tx: Transaction,
    services: Services,
    workspace_id: str,
    account_id: str,
    receipt: MessageReceipt,
    *,
    received_at: datetime,
    webhook_id: int | None = None,
) -> set[str]:
    """One receipt: see `apply_receipts`."""
    return await apply_receipts(tx, services, workspace_id, account_id, [Reported(receipt, received_at, webhook_id)])


async def apply_receipts(
    tx: Transaction, services: Services, workspace_id: str, account_id: str, reported: Sequence[Reported]
) -> set[str]:
    """Raises what the receipts speak of, forward only; the lanes that now have something due.

    `account_id` is our id of the account they came to. A receipt of something that is not ours changes nothing. A receipt never
    opens another delivery, nor stops one.
    """
    found = await _find(tx, workspace_id, account_id, reported)
    await _keep_early(tx, workspace_id, account_id, reported, found)
    if not found:
        return set()
    book = await Book.open(tx, services, workspace_id, (row["message_id"] for _, row in found))
    named: dict[str, PartKey] = {}
    for each, row in found:
        _apply(book, (row["delivery_id"], row["number"]), each)
        if each.receipt.kind is ReceiptKind.ECHO:
            named |= dict.fromkeys(each.receipt.provider_ids, (row["delivery_id"], row["number"]))
    await message_rows.insert_receipts(tx, [_kept(workspace_id, row, each) for each, row in found])
    await apply_early(tx, book, account_id, named)
    return await book.close(tx)


# -- what comes before the message it speaks of is known ----------------------------------------------------------------


async def _keep_early(
    tx: Transaction, workspace_id: str, account_id: str, reported: Sequence[Reported], found: Sequence[tuple[Reported, Row]]
) -> None:
    """Keeps receipts that may be of a part whose answer is not recorded yet, or was lost: an echo will name it."""
    known = {row["provider_id"] for _, row in found}
    early = [each for each in reported if not each.receipt.part_id and not known.issuperset(_early_ids(each.receipt))]
    people = await early_rows.find_in_doubt(tx, workspace_id, account_id, (each.receipt.person for each in early))
    nameless = any(not each.receipt.person for each in early) and await early_rows.is_in_doubt(tx, workspace_id, account_id)
    new = [
        {
            "workspace_id": workspace_id,
            "account_id": account_id,
            "provider_id": provider_id,
            "kind": each.receipt.kind.value,
            "code": each.receipt.code,
            "at": to_ms(each.receipt.watermark or each.receipt.at or each.received_at)
            if provider_id.startswith(UP_TO)
            else to_ms(each.receipt.at or each.received_at),
            "received_at": to_ms(each.received_at),
            "webhook_id": each.webhook_id,
        }
        for each in early
        if each.receipt.person in people or (nameless and not each.receipt.person)
        for provider_id in _early_ids(each.receipt)
        if provider_id not in known
    ]
    await early_rows.keep_early(tx, new)


def _early_ids(receipt: MessageReceipt) -> list[str]:
    """Under what a receipt is looked for later: its provider's ids, else its person, for a watermark."""
    if receipt.provider_ids or receipt.watermark is None or not receipt.person:
        return list(receipt.provider_ids)
    return [f"{UP_TO}{receipt.person}"]


async def apply_early(tx: Transaction, book: Book, account_id: str, named: Mapping[str, PartKey]) -> None:
    """Applies to parts in the book what had come before their provider's ids (`named`) were known."""
    if not named:
        return
    of_person: dict[str, list[PartKey]] = defaultdict(list)
    for key in named.values():
        of_person[f"{UP_TO}{book.delivery(key[0])['address']}"].append(key)
    kept: list[dict[str, object]] = []
    for row in await early_rows.find_early(tx, book.workspace_id, account_id, [*named, *of_person]):
        keys = of_person[row["provider_id"]] if row["provider_id"] in of_person else [named[row["provider_id"]]]
        receipt = MessageReceipt(ReceiptKind(row["kind"]), "", "", from_ms(row["at"]), code=row["code"])
        each = Reported(receipt, from_ms(row["received_at"]), row["webhook_id"])
        for key in keys:
            if row["provider_id"] in of_person and row["at"] < (book.part(key)["sent_at"] or book.now):
                continue  # left after what the person had read by then
            _apply(book, key, each)
            part = {"message_id": book.delivery(key[0])["message_id"], "delivery_id": key[0], "number": key[1]}
            kept.append(_kept(book.workspace_id, part, each))
    await message_rows.insert_receipts(tx, kept)


async def _find(tx: Transaction, workspace_id: str, account_id: str, reported: Sequence[Reported]) -> list[tuple[Reported, Row]]:
    """The parts that receipts speak of: by our own part id, else by the provider's ids, else by person and watermark."""
    keys = [key for each in reported if (key := parse_part_id(each.receipt.part_id))]
    provider_ids = [each for one in reported for each in one.receipt.provider_ids]
    by_key = {(row["delivery_id"], row["number"]): row for row in await message_rows.find_parts_by_id(tx, workspace_id, keys)}
    by_provider_id: dict[str, list[Row]] = defaultdict(list)
    for row in await message_rows.find_parts(tx, workspace_id, account_id, provider_ids):
        by_provider_id[row["provider_id"]].append(row)
    found: list[tuple[Reported, Row]] = []
    for each in reported:
        receipt = each.receipt
        if key := parse_part_id(receipt.part_id):
            rows = [by_key[key]] if key in by_key else []
        elif receipt.provider_ids:
            rows = [row for provider_id in receipt.provider_ids for row in by_provider_id[provider_id]]
        else:
            rows = await _find_up_to(tx, workspace_id, account_id, receipt)
        found += [(each, row) for row in rows]
    return found


async def _find_up_to(tx: Transaction, workspace_id: str, account_id: str, receipt: MessageReceipt) -> list[Row]:
    if receipt.watermark is None or not receipt.person:
        return []
    return await message_rows.find_parts_up_to(tx, workspace_id, account_id, receipt.person, to_ms(receipt.watermark))


def parse_part_id(part_id: str) -> PartKey | None:
    """The key of a part from the id that providers echo, `dlv_….1`; None where it is none of ours."""
    delivery_id, _, number = part_id.rpartition(".")
    return (delivery_id, int(number)) if delivery_id.startswith("dlv_") and number.isdecimal() and len(number) < 6 else None


def _apply(book: Book, key: PartKey, each: Reported) -> None:
    part, receipt = book.part(key), each.receipt
    state = RAISED_TO[receipt.kind]
    at = to_ms(receipt.at or each.received_at)
    names = INSTANTS[state]
    for name in names:
        part[name] = at if part[name] is None else min(part[name], at)  # the earliest said, whichever came first
    reason = "late_failure" if state is Delivery.FAILED else ""
    provider_id = receipt.provider_ids[0] if receipt.part_id and len(receipt.provider_ids) == 1 else None
    book.raise_part(part, state, reason=reason, provider_id=provider_id)


def _kept(workspace_id: str, row: Row, each: Reported) -> dict[str, object]:
    received = to_ms(each.received_at)
    return {
        "workspace_id": workspace_id,
        "message_id": row["message_id"],
        "delivery_id": row["delivery_id"],
        "part": row["number"],
        "kind": KEPT_AS.get(each.receipt.kind, each.receipt.kind.value),
        "code": each.receipt.code,
        "at": to_ms(each.receipt.at) if each.receipt.at else received,
        "received_at": received,
        "webhook_id": each.webhook_id,
    }
