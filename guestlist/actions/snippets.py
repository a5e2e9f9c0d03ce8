"""A "Message us" button for a website: a link that opens the conversation with the Page and brings our sealed ref along.

Meta's own Send-to-Messenger button is not offered in Europe, and its chat plugin has ended (fact page 9). A link works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any

from .base import Services
from .refs import seal_ref

LABEL = "Message us"


@dataclass(frozen=True, slots=True)
class Snippet:
    """What to put on a website."""

    url: str
    html: str
    expires_at: datetime


async def make_snippet(
    services: Services, workspace_id: str, page_id: str, state: Mapping[str, Any], *, days: int, label: str = LABEL
) -> Snippet:
    """The link and its HTML. `state` comes back, opened, when somebody follows the link within so many days.

    Errors: NotFoundError, UsageError `ref_too_long`.
    """
    page = await services.get_page(workspace_id, page_id)
    until = services.clock.now() + timedelta(days=days)
    url = f"https://m.me/{page['page_id']}?ref={seal_ref(services, workspace_id, state, until=until)}"
    html = f'<a href="{url}" target="_blank" rel="noopener">{escape(label)}</a>'
    return Snippet(url, html, until)
