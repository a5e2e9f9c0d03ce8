"""Calls on a Page, its token and its webhook subscription; and the terms of an ad account. Fact page 1.1, 8.2, 11."""

from __future__ import annotations

from collections.abc import Sequence

from guestlist.errors import ConfigurationError

from .base import PageInfo, Terms, TokenInfo
from .caller import Caller, ad_account_node, build_path
from .errors import build_error, parse_envelope
from .wire import Document, WireError, as_id, as_instant, as_int, as_object, as_text, parse_rows, parse_success

TERMS_URL = "https://business.facebook.com/ads/manage/customaudiences/tos/?act="


class PageCalls:
    """The calls of connecting a Page."""

    _caller: Caller

    async def debug_token(self) -> TokenInfo:
        """What Meta knows of this very token. Errors: ConfigurationError without app id and secret."""
        return await self._caller.inspect_token(parse_token_info)

    async def read_page(self, page_id: str) -> PageInfo:
        """The Page's name, and whether it is published."""
        return await self._caller.read(build_path(page_id), {"fields": "id,name,is_published"}, parse_page_info)

    async def subscribe_page(self, page_id: str, fields: Sequence[str]) -> None:
        """Asks Meta to send these webhook fields of the Page to the app."""
        await self._caller.write(build_path(page_id, "subscribed_apps"), {"subscribed_fields": ",".join(fields)}, parse_success)

    async def subscribe_app(self, *, callback_url: str, verify_token: str, fields: Sequence[str]) -> None:
        """Tells Meta where the app's Page webhooks go; Meta shakes hands with the URL first. Speak as the app (`id|secret`).

        Errors: ConfigurationError without an app id.
        """
        app_id = self._caller.app_id
        if not app_id:
            raise ConfigurationError("The Meta app's id is needed to subscribe its webhooks.", remedy="Set the app id.")
        body = {"object": "page", "callback_url": callback_url, "verify_token": verify_token, "fields": ",".join(fields)}
        await self._caller.write(build_path(app_id, "subscriptions"), body, parse_success)

    async def subscribed_fields(self, page_id: str) -> frozenset[str]:
        """The webhook fields of the Page that the app receives; of every app with a say where ours has no id configured."""
        app_id = self._caller.app_id
        return await self._caller.read(build_path(page_id, "subscribed_apps"), {}, lambda answer: parse_fields(answer, app_id))

    async def read_terms(self, ad_account_id: str) -> Terms:
        """Whether the ad account's Custom Audience terms are accepted, and where a person can accept them."""
        node = ad_account_node(ad_account_id)
        accept_url = TERMS_URL + node.removeprefix("act_")
        params = {"fields": "tos_accepted,user_tos_accepted"}
        return await self._caller.read(build_path(node), params, lambda answer: Terms(parse_accepted(answer), accept_url))


def parse_token_info(document: Document) -> TokenInfo:
    """What `debug_token` tells. Units: expires_at is Unix seconds, 0 means never. Errors: WireError without `is_valid`."""
    data = as_object(document.get("data"))
    valid = data.get("is_valid")
    if not isinstance(valid, bool):
        raise WireError("The answer does not say whether the token is valid.")
    error = data.get("error")
    scopes = data.get("scopes")
    return TokenInfo(
        valid=valid,
        kind=as_text(data.get("type")),
        app_id=as_id(data.get("app_id")) or "",
        profile_id=as_id(data.get("profile_id")),
        scopes=frozenset(scope for scope in scopes if isinstance(scope, str)) if isinstance(scopes, list) else frozenset(),
        expires_at=as_instant(data.get("expires_at")),
        # Our sentence for the number: Meta's text may name the person.
        error=build_error(parse_envelope(error), write=False).sentence if error else None,
    )


def parse_page_info(document: Document) -> PageInfo:
    """A Page. Errors: WireError without an id."""
    page_id = as_id(document.get("id"))
    if page_id is None:
        raise WireError("The answer names no Page.")
    published = document.get("is_published")
    return PageInfo(page_id, as_text(document.get("name")), published if isinstance(published, bool) else None)


def parse_fields(document: Document, app_id: str | None) -> frozenset[str]:
    """The webhook fields subscribed by this app, or by any where `app_id` is None. Errors: WireError without a list."""
    rows = [row for row in parse_rows(document) if app_id is None or as_id(row.get("id")) == app_id]
    fields = [row.get("subscribed_fields") for row in rows]
    return frozenset(name for names in fields if isinstance(names, list) for name in names if isinstance(name, str))


def parse_accepted(document: Document) -> bool:
    """Whether `tos_accepted.custom_audience_tos` is 1; missing keys and an empty list mean no."""
    return as_int(as_object(document.get("tos_accepted")).get("custom_audience_tos")) == 1
