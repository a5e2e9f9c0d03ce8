"""What Meta takes in a message, checked before the call: every limit of fact page 7.2 and 7.3, each with the field it is about.

Sizes of files (25 MB; 8 MB for an image by URL) are Meta's to judge: it fetches them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.channels.base import Problem
from guestlist.domain.messages import Channel, Content, Draft, Media, QuickReply, media_for, says_something

from .checks import Found, Payload, check_text, check_url
from .payloads import build_button, full_text
from .templates import BUTTON_TEXT, PAYLOAD, TITLE, check_buttons, check_template

TEXT_BELOW = 2000
"""Characters: a text stays under it."""
QUICK_REPLIES = 13
METADATA_BELOW = 1000


def check_draft(draft: Draft) -> Sequence[Problem]:
    """All that Meta would not take in this draft, whoever gets it."""
    content, utility = draft.content, draft.options.messenger.utility
    own = Channel.MESSENGER.value in content.raw
    found = _check_raw(content.raw[Channel.MESSENGER.value]) if own else _check_content(content, utility=utility is not None)
    problems = [*found, *_check_utility(utility)]
    if len(draft.options.messenger.metadata) >= METADATA_BELOW:
        sentence = f"Metadata for Messenger has less than {METADATA_BELOW:,} characters."
        problems.append(Problem("options.messenger.metadata", "too_long", sentence))
    return problems


def _check_raw(raw: Any) -> Found:
    place = "content.raw.messenger"
    if not isinstance(raw, Mapping) or not raw:
        yield Problem(place, "bad_raw", "A raw body for Messenger is Meta's message object, or a whole body of its Send API.")
        return
    if "recipient" in raw:
        yield Problem(f"{place}.recipient", "not_supported", "The recipient of a raw body comes from `to`: leave it out.")
    if "message" in raw and not isinstance(raw["message"], Mapping):
        yield Problem(f"{place}.message", "bad_raw", "`message` is Meta's message object.")


def _check_utility(template: Payload | None) -> Found:
    if template is None:
        return
    place, language = "options.messenger.utility", template.get("language")
    yield from check_text(template, "name", place, required=True)
    code = language.get("code") if isinstance(language, Mapping) else language
    if not isinstance(code, str) or not code:
        yield Problem(f"{place}.language", "missing", "A utility template needs its language, such as en_US.")


def _check_content(content: Content, *, utility: bool) -> Found:
    if not says_something(content):
        if not utility:
            yield Problem("content.text", "missing", "A message over Messenger needs a text, a template or a file.")
        return
    text = full_text(content)
    if content.buttons:
        yield from _check_text_above(text)
    elif len(text) >= TEXT_BELOW:
        yield Problem(
            "content.text", "too_long", f"A text over Messenger, with its title, has less than {TEXT_BELOW:,} characters."
        )
    yield from check_buttons({"buttons": [build_button(each) for each in content.buttons]}, "content")
    yield from _check_quick_replies(content.quick_replies)
    if content.template is not None:
        yield from check_template(content.template, "content.template")
    for number, part in enumerate(content.parts):
        if part in media_for(content, Channel.MESSENGER):
            yield from _check_media(part, f"content.parts.{number}")


def _check_text_above(text: str) -> Found:
    if not text:
        yield Problem("content.text", "missing", "Buttons stand under a text: give one.")
    elif len(text) > BUTTON_TEXT:
        yield Problem("content.text", "too_long", f"A text with buttons, with its title, has at most {BUTTON_TEXT} characters.")


def _check_quick_replies(replies: Sequence[QuickReply]) -> Found:
    if len(replies) > QUICK_REPLIES:
        sentence = f"There are at most {QUICK_REPLIES} quick replies."
        yield Problem(f"content.quick_replies.{QUICK_REPLIES}", "too_many", sentence)
    for number, reply in enumerate(replies[:QUICK_REPLIES]):
        place = f"content.quick_replies.{number}"
        shown = {"title": reply.title, "payload": reply.payload, "image_url": reply.image_url}
        yield from check_text(shown, "title", place, most=TITLE, required=reply.type == "text")
        yield from check_text(shown, "payload", place, most=PAYLOAD)
        yield from check_url(shown, "image_url", place)


def _check_media(part: Media, place: str) -> Found:
    if part.data:
        sentence = "Messenger takes a file by URL or by the id of one uploaded before, not as data."
        yield Problem(f"{place}.data", "not_supported", sentence)
    elif not part.attachment_id:
        yield from check_url({"url": part.url}, "url", place, required=True)
