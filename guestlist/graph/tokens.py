"""The list of a Page's subscription tokens. Fact page 3."""

from __future__ import annotations

import orjson

from .base import TokenPage, TokenRow
from .caller import Caller, build_path
from .paging import check_forward, parse_page, read_smaller
from .wire import Document, WireError, as_id, as_instant, as_text

FIELDS = (
    "notification_messages_token,recipient_id,creation_timestamp,token_expiry_timestamp,next_eligible_time_for_paid_messaging,"
    "notification_messages_timezone,topic_title,custom_audience_ids"
)
MOST_ROWS = 1000


class TokenCalls:
    """The call of the token sync."""

    _caller: Caller

    async def list_tokens(
        self, page_id: str, *, after: str | None = None, limit: int = MOST_ROWS, opt_in_source: str | None = None
    ) -> TokenPage:
        """One page of tokens, one token a person. Fewer rows than `limit` come when Graph finds a page too large.

        Tokens of an audience with fewer than 100 matched people are missing, without an error.
        """
        path = build_path(page_id, "notification_message_tokens")
        params = {"fields": FIELDS, "do_not_return_duplicates": "true"}
        if opt_in_source is not None:
            params["opt_in_source"] = orjson.dumps([opt_in_source]).decode()
        page = await read_smaller(
            lambda page: self._caller.read(path, {**params, **page}, parse_page(parse_token)),
            limit=min(max(limit, 1), MOST_ROWS),
            after=after,
        )
        if page.after is not None:
            check_forward({after}, page.after)
        return TokenPage(page.rows, page.after)


def parse_token(document: Document) -> TokenRow:
    """One token. Units: timestamps are Unix seconds.

    Errors: WireError without a token: a page with such a row is not whole, and a token missing from it has not vanished.
    """
    token = as_id(document.get("notification_messages_token"))
    if token is None:
        raise WireError("A row has no token.")
    audiences = document.get("custom_audience_ids")
    ids = [as_id(audience) for audience in audiences] if isinstance(audiences, list) else []
    return TokenRow(
        token=token,
        psid=as_id(document.get("recipient_id")),
        created_at=as_instant(document.get("creation_timestamp")),
        expires_at=as_instant(document.get("token_expiry_timestamp")),
        next_eligible_at=as_instant(document.get("next_eligible_time_for_paid_messaging")),
        timezone=as_text(document.get("notification_messages_timezone")) or None,
        title=as_text(document.get("topic_title")) or None,
        audience_ids=tuple(audience for audience in ids if audience is not None),
    )
