"""The Graph client: a factory over one transport, and a client bound to one token with every call of the contract.

The calls live with their nouns (`pages`, `audiences`, `tokens`, `campaigns`); how a call is made lives in `caller`.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable

from guestlist.errors import ConfigurationError

from .audiences import AudienceCalls
from .base import Transport
from .caller import Caller, Connection, RetrySettings
from .campaigns import CampaignCalls
from .messages import MessageCalls
from .pages import PageCalls
from .people import PeopleCalls
from .tokens import TokenCalls
from .usage import UsageBook

_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_BASE_URL = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")


class GraphClient(PageCalls, AudienceCalls, TokenCalls, CampaignCalls, MessageCalls, PeopleCalls):
    """Graph calls with one token: implements `base.Graph`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller


class GraphClients:
    """Makes clients that share one transport and one usage book: implements `base.GraphFactory`.

    Units: `monotonic` gives seconds; `sleep` takes them. Errors: ConfigurationError for a base URL or version that is none.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        base_url: str = "https://graph.facebook.com",
        version: str = "v26.0",
        app_id: str | None = None,
        app_secret: str | None = None,
        retry: RetrySettings | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._usage = UsageBook(monotonic)
        self._connection = Connection(
            transport=transport,
            root=_check_root(base_url, version),
            app_id=app_id,
            app_secret=app_secret,
            retry=retry or RetrySettings(),
            sleep=sleep,
            rng=rng or random.Random(),
            usage=self._usage,
        )

    def with_token(self, token: str) -> GraphClient:
        """A client that calls with this token."""
        return GraphClient(Caller(self._connection, token))

    def usage(self, scope: str) -> float:
        """The highest usage percentage the headers reported in the last minutes for this Page or ad account, or the whole app."""
        return self._usage.highest(scope)

    def regain(self, scope: str) -> float:
        """Seconds until this Page or ad account, or the whole app, regains access, as Meta estimated; 0 while it has it."""
        return self._usage.regain(scope)

    async def close(self) -> None:
        """Closes the shared transport."""
        await self._connection.transport.close()


def _check_root(base_url: str, version: str) -> str:
    if not _BASE_URL.fullmatch(base_url):
        raise ConfigurationError(
            "The Graph base URL must be http:// or https:// with a host, without a query or a user name.",
            remedy="Set it to https://graph.facebook.com, or to the emulator's address.",
        )
    if not _VERSION.fullmatch(version):
        raise ConfigurationError("The Graph API version must look like v26.0.", remedy="Set it to v26.0.")
    return f"{base_url.rstrip('/')}/{version}"
