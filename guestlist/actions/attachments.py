"""Media that a Page sends again and again: uploaded to Meta once, sent by id for 90 days."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from guestlist.domain.urls import refuse_url
from guestlist.errors import UsageError
from guestlist.graph.base import GraphError
from guestlist.storage import attachments as attachment_rows
from guestlist.storage.base import Row, Transaction
from guestlist.storage.instants import to_ms

from .base import Services
from .pages import graph_refusal

KEPT = timedelta(days=90)
"""How long Meta keeps an upload (fact page 7.2)."""

MARGIN = timedelta(days=1)
"""An upload that ends sooner is made anew: a message may wait before it goes."""

KINDS = ("image", "audio", "video", "file")


async def upload_attachment(services: Services, workspace_id: str, *, page_id: str, kind: str, url: str) -> Row:
    """An upload that can be sent as `attachment_id`: the one made of the same URL before, while it is good, else a new one.

    Shape: account_id (our Page's id), source, attachment_id, expires_at. Meta fetches the URL, not this server.
    Errors: NotFoundError, UsageError (`bad_url`, `private_host`), those of `graph_refusal`.
    """
    page = await services.get_page(workspace_id, page_id)
    if kind not in KINDS:
        raise UsageError(f"An attachment is one of {', '.join(KINDS)}.", code="bad_kind", remedy="Name one of them.")
    if bad := refuse_url(url):
        raise UsageError(bad.sentence, code=bad.code, remedy="Give a URL that Meta can fetch from the internet.")
    source = hashlib.sha256(f"{kind} {url}".encode()).hexdigest()
    good_after = to_ms(services.clock.now() + MARGIN)
    known = await services.db.read(
        lambda tx: attachment_rows.find_attachment(tx, workspace_id, page_id, source, after=good_after)
    )
    if known is not None:
        return known
    try:
        attachment_id = await services.page_graph(page).upload_attachment(page["page_id"], kind, url)
    except GraphError as error:
        raise graph_refusal(error, "The file was not uploaded") from error
    row = {
        "workspace_id": workspace_id,
        "account_id": page_id,
        "source": source,
        "attachment_id": attachment_id,
        "expires_at": to_ms(services.clock.now() + KEPT),
    }

    async def unit(tx: Transaction) -> None:
        await attachment_rows.keep_attachment(tx, row)

    await services.db.write(unit)
    return row
