"""Audiences: made at Meta, adopted from there, read, deleted. Each call to Meta stands between two short transactions."""

from __future__ import annotations

import json
from typing import Any

from guestlist.domain.consent import Attestation
from guestlist.domain.states import Audience
from guestlist.errors import NotFoundError, RefusedError, UsageError
from guestlist.graph.base import AudienceInfo, GraphError
from guestlist.storage import campaigns as campaign_rows
from guestlist.storage import ledgers, rows, tables
from guestlist.storage.base import Row, Transaction

from .base import Services
from .creations import Noun, advance_creation, change_unmoved
from .pages import graph_refusal


async def create_audience(services: Services, workspace_id: str, *, page_id: str, name: str, description: str = "") -> Row:
    """The audience, to be created at Meta by its ad account's lane."""
    if not name.strip():
        raise UsageError("An audience needs a name.", code="bad_name", remedy="Give one with --name.")
    page = await services.get_page(workspace_id, page_id)
    now = services.now_ms()
    audience_id = services.ids.new("aud")
    row = {
        "workspace_id": workspace_id,
        "id": audience_id,
        "page_id": page_id,
        "name": name.strip(),
        "description": description.strip(),
        "origin": "created",
        "state": Audience.QUEUED.value,
        "due_at": now,
        "created_at": now,
    }

    async def unit(tx: Transaction) -> Row:
        await rows.insert(tx, tables.audiences, row)
        return await rows.get(tx, tables.audiences, workspace_id, audience_id)

    audience = await services.db.write(unit)
    await services.wake(f"ads:{workspace_id}:{page['ad_account_id']}")
    return audience


async def advance_audience(services: Services, page: Row, audience: Row, fence: int) -> None:
    """One step of an audience that is due: create it, look up a lost answer, or start again what provably never happened."""
    if not await advance_creation(services, AUDIENCE, page, audience, fence):
        await change_unmoved(services, tables.audiences, audience, due_at=None)


async def _create(services: Services, page: Row, audience: Row) -> str:
    return await services.ads_graph(page).create_audience(
        page["ad_account_id"], name=audience["name"], description=marked(audience), page_id=page["page_id"]
    )


async def _find(services: Services, page: Row, audience: Row) -> str | None:
    listed = await services.ads_graph(page).list_audiences(page["ad_account_id"])
    return next((info.id for info in listed if info.description == marked(audience)), None)


def _settled() -> dict[str, Any]:
    return {"state": Audience.READY.value, "reason": "", "due_at": None, "attempts": 0}


AUDIENCE = Noun(
    table=tables.audiences,
    create=_create,
    find=_find,
    born=lambda services: _settled(),
    halted=lambda error: {"state": Audience.PAUSED.value},
    event="audience.created",
)


def marked(audience: Row) -> str:
    """The description at Meta: the user's own and our mark, by which a lost answer is found again."""
    return f"{audience['description']} [guestlist {audience['id']}]".strip()


async def note_bounds(tx: Transaction, audience: Row, *, lower: int | None, upper: int | None, at: int, **more: Any) -> None:
    """Keeps the size bounds Meta told; unknown ones leave the known ones."""
    if lower is not None and upper is not None:
        more |= {"lower": lower, "upper": upper}
    await rows.change(tx, tables.audiences, audience["workspace_id"], audience["id"], read_at=at, **more)


async def adopt_audience(services: Services, workspace_id: str, *, page_id: str, meta_id: str, attestation: Attestation) -> Row:
    """Takes over an audience made elsewhere, with the attestation that its people agreed.

    Errors: NotFoundError when the ad account has no such Messenger list, RefusedError when it belongs to another Page.
    """
    page = await services.get_page(workspace_id, page_id)
    info = next((a for a in await remote_audiences(services, workspace_id, page_id) if a.id == meta_id), None)
    if info is None:
        raise NotFoundError(f"The ad account has no Messenger list {meta_id}.", remedy="See `guestlist audiences list --remote`.")
    if info.page_id not in (None, page["page_id"]):
        raise RefusedError(
            f"Audience {meta_id} belongs to another Page ({info.page_name}).",
            code="audience_of_other_page",
            remedy="Connect that Page and adopt it there.",
        )
    now = services.now_ms()

    async def unit(tx: Transaction) -> Row:
        known = await campaign_rows.audience_by_meta_id(tx, workspace_id, meta_id)
        if known:
            raise RefusedError(
                f"Audience {meta_id} is already here as {known['id']}.", code="already_adopted", remedy="Use it as it is."
            )
        audience_id = services.ids.new("aud")
        row = {
            "workspace_id": workspace_id,
            "id": audience_id,
            "page_id": page_id,
            "name": info.name,
            "description": info.description,
            "origin": "adopted",
            "created_at": now,
            "lower": info.lower,
            "upper": info.upper,
            "meta_id": meta_id,
            **_settled(),
        }
        await rows.insert(tx, tables.audiences, row)
        await attest(tx, services, workspace_id, audience_id, attestation, {"meta_audience_id": meta_id})
        await rows.change(tx, tables.pages, workspace_id, page_id, sync_at=now)
        await services.emit(tx, workspace_id, "audience.adopted", audience_id)
        return await rows.get(tx, tables.audiences, workspace_id, audience_id)

    audience = await services.db.write(unit)
    await services.wake(f"sync:{workspace_id}:{page_id}")
    return audience


async def attest(
    tx: Transaction, services: Services, workspace_id: str, audience_id: str, attestation: Attestation, proof: dict[str, Any]
) -> None:
    """Enters an attestation for an audience into the ledger."""
    consent = ledgers.Consent(
        subject=f"audience:{audience_id}",
        act="granted",
        source="attestation",
        words=attestation.words,
        basis=attestation.basis,
        by=attestation.by,
        proof=proof,
    )
    await ledgers.append_consents(tx, workspace_id, services.now_ms(), [consent])


async def remote_audiences(services: Services, workspace_id: str, page_id: str) -> list[AudienceInfo]:
    """Messenger lists as Meta has them in the Page's ad account, those made elsewhere too."""
    page = await services.get_page(workspace_id, page_id)
    try:
        return list(await services.ads_graph(page).list_audiences(page["ad_account_id"]))
    except GraphError as error:
        raise graph_refusal(error, "The audiences could not be listed") from error


async def list_audiences(services: Services, workspace_id: str, *, after: str | None = None, limit: int = 50) -> list[Row]:
    """Our audiences, newest first."""

    async def unit(tx: Transaction) -> list[Row]:
        return await tx.fetch_all(rows.page_of(tables.audiences, workspace_id, after=after, limit=limit))

    return await services.db.read(unit)


async def get_audience(services: Services, workspace_id: str, audience_id: str) -> Row:
    """One audience. Errors: NotFoundError."""
    return await services.find_row(tables.audiences, workspace_id, audience_id)


async def delete_audience(services: Services, workspace_id: str, audience_id: str) -> None:
    """Deletes the audience at Meta, then here. Its people stay subscribers: removal is no opt-out.

    Its ledger of rows is dropped by the tidy lane.
    """
    audience = await get_audience(services, workspace_id, audience_id)
    page = await services.get_page(workspace_id, audience["page_id"])
    if audience["state"] in (Audience.CREATING.value, Audience.UNKNOWN.value):
        raise _in_creation()
    if audience["meta_id"] and audience["state"] != Audience.DELETED.value:
        try:
            await services.ads_graph(page).delete_audience(audience["meta_id"])
        except GraphError as error:
            if error.number not in (33, 803):  # already gone
                raise graph_refusal(error, "The audience was not deleted") from error

    async def unit(tx: Transaction) -> None:
        seen = {"state": audience["state"]}
        if not await rows.change_if(tx, tables.audiences, audience, seen, state=Audience.DELETED.value, due_at=None):
            raise _in_creation()  # its lane began meanwhile
        await services.emit(tx, workspace_id, "audience.deleted", audience_id)

    await services.db.write(unit)


def _in_creation() -> RefusedError:
    return RefusedError("The audience is still being created.", code="audience_in_creation", remedy="Try again in a minute.")


async def read_consents(services: Services, workspace_id: str, audience_id: str) -> list[dict[str, Any]]:
    """What the ledger says of an audience, oldest first."""

    async def unit(tx: Transaction) -> list[Row]:
        return await ledgers.find_consents(tx, workspace_id, f"audience:{audience_id}")

    return [{**row, "proof": json.loads(row["proof"])} for row in await services.db.read(unit)]
