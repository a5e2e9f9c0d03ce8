"""Which channels there are. One line each; app.py wires them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestlist.domain.messages import Channel as ChannelName
from guestlist.graph.base import GraphFactory

from .base import Channel
from .dialing import Dialer
from .email import EmailChannel
from .email.relay import Relay
from .http import Http, MakeSocket
from .messenger import MessengerChannel
from .sms import SmsChannel


@dataclass(frozen=True, slots=True)
class Ways:
    """How channels other than Messenger reach their providers. `public_url` is where those reach us; "" = nowhere."""

    http: Http
    dialer: Dialer
    public_url: str = ""

    @classmethod
    def through(cls, make_socket: MakeSocket, public_url: str = "") -> Ways:
        """Through sockets that somebody guards."""
        return cls(Http(make_socket), Dialer(make_socket), public_url)

    async def close(self) -> None:
        """Closes all connections."""
        await self.http.close()


def build_channels(graph: GraphFactory, ways: Ways) -> Mapping[ChannelName, Channel]:
    """Every channel, ready to send."""
    return {
        ChannelName.MESSENGER: MessengerChannel(graph),
        ChannelName.SMS: SmsChannel(ways.http, public_url=ways.public_url),
        ChannelName.EMAIL: EmailChannel(Relay(ways.dialer)),
    }
