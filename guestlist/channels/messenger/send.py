"""Sending over Messenger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.channels.base import Accepted, PartCall, Problem, Refused, Sender
from guestlist.domain.messages import Channel, Draft
from guestlist.domain.routes import Open
from guestlist.graph.base import GraphError, GraphFactory

from .errors import translate
from .limits import check_draft
from .payloads import add_metadata, build_bodies


class MessengerChannel:
    """Implements channels.base.Channel."""

    name = Channel.MESSENGER

    def __init__(self, graph: GraphFactory) -> None:
        self._graph = graph

    def check(self, draft: Draft) -> Sequence[Problem]:
        """Every limit of Meta's that the draft breaks."""
        return check_draft(draft)

    def build(self, draft: Draft, route: Open) -> Sequence[Mapping[str, Any]]:
        """Meta's bodies, in order, but for the metadata that a part's id goes into."""
        return build_bodies(draft, route)

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """One call to the Send API. A phone number that matched has got a message request, which waits for the person."""
        body = add_metadata(call.body, call.part_id)
        try:
            sent = await self._graph.with_token(sender.secret["page_token"]).send_message(sender.sender, body)
        except GraphError as error:
            return translate(error)
        awaiting = "phone_number" in body["recipient"] and sent.person is None
        return Accepted(sent.message_id, awaiting=awaiting, person=sent.person or "")
