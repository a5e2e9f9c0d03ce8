"""A structured message as one to send. Imports no web framework: a bot's answers are sent by the lanes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestlist.actions.messages import Request
from guestlist.api.dialects.literal import keep_braces
from guestlist.domain.messages import Draft, MessagingType, MessengerOptions, Options, Rule, Target

from .structured import Spoken


def build_request(
    target: Target,
    rule: Rule,
    spoken: Spoken,
    *,
    kind: MessagingType | None = None,
    utility: Mapping[str, Any] | None = None,
) -> Request:
    """The message to send; its `msgid` stays with it as metadata. A tag goes before the messaging type."""
    messenger = MessengerOptions(type=None if spoken.tag else kind, tag=spoken.tag, utility=utility)
    draft = Draft(target, (rule,), keep_braces(spoken.content), keep_braces(Options(messenger=messenger)))
    return Request(draft, metadata={"msgid": spoken.msgid} if spoken.msgid else {})
