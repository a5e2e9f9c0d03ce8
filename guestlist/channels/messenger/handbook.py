"""The page `docs/reference/messenger.md`, made from the tables: `python -m guestlist.channels.messenger.handbook` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from guestlist.channels.base import Remedy
from guestlist.domain import tags

from . import limits, templates
from .errors import SEND_ERRORS

HEAD = """\
# Messenger

How a message goes over Messenger: what is sent, what is allowed when, and what each refusal leads to. This page is
made by `python -m guestlist.channels.messenger.handbook > docs/reference/messenger.md`; do not edit it.

## What goes how

A delivery is one or several calls, in this order. The next goes out when Meta has accepted the one before; each has
its own id and receipts, and the delivery is delivered when all are. A failure midway is told per part, and nothing is
sent twice.

| Of the message | Becomes |
|---|---|
| `title`, `text` | one text; the title is its first line |
| `buttons` | with the text above them, one button template |
| `template` | one template |
| each of `parts` | one attachment: by `url`, which Meta fetches, or by `attachment_id` (see [uploads](#uploads)) |
| `quick_replies` | stand under the last call, because they vanish with the next message |
| `raw.messenger` | takes the place of all of these: Meta's message object, or a whole body of its Send API with a \
`message`. It is passed through untouched, merge fields apart; only the recipient is ours |

Every call carries the id of its part as `metadata`, which Meta sends back in the echo: so a lost answer is settled
without sending again. Metadata of your own in a raw body stays; such a part is told by Meta's message id alone.

| Option under `options.messenger` | Does |
|---|---|
| `type` | the grounds: `RESPONSE`, `UPDATE`, `MESSAGE_TAG`, `UTILITY` |
| `tag` | a message tag; alone it means `MESSAGE_TAG` |
| `utility` | the utility template (`name`, `language`, `components`) for where nothing else is allowed |
| `by_person` | a human agent writes this one |
| `persona_id` | under which name and face |
| `notification` | `REGULAR`, `SILENT_PUSH` or `NO_PUSH` |

`POST /v1/messages/explain` says for any message which way would be taken now, and what closes each other.

## When it may go

The window is open for 24 hours after the person wrote, tapped a button, came by a link into the conversation, or
reacted. What we do never opens it.

| Asked for | Inside the window | Outside it |
|---|---|---|
| nothing | `RESPONSE` | refused `window_closed`, naming what to add |
| `RESPONSE`, `UPDATE` | as asked | refused `window_closed` |
| a `utility` template beside it | `RESPONSE` | the template, as `UTILITY` |
| `UTILITY` | the template | the template |
| `MESSAGE_TAG` without a tag, an unknown tag, a tag beside another type, `UTILITY` without a template | 400 | 400 |
| a live tag | under the tag | under the tag, as long as the tag reaches |
| `HUMAN_AGENT` without `by_person`; `CUSTOMER_FEEDBACK` without its template | `not_by_person`; 400 | the same |
| a withdrawn tag | `UPDATE` | the utility template; without one refused `tag_withdrawn`, with its date |

A refusal sets off the next rule of the message. Further ways:

| To | Rule | Else |
|---|---|---|
| a comment or a visitor's post | one private reply, one call, within 7 days | `already_replied`, `one_message_only`, \
`too_old_to_reply` |
| a `user_ref` of the checkbox plugin | the first message, one call | `user_ref_spent`, `one_message_only` |
| a phone number | where Meta allows the Page to match numbers: a message request, which waits for the person; service \
messages only until it is accepted | `phone_matching_suspended`, `not_accepted_yet` |
| a utility template alone | people whose PSID is known | `psid_needed` |

## Tags

Days are UTC. An old name is sent as the tag that took its place, while that one lived; a withdrawn tag is never sent.
"""

AFTER_LIMITS = """\
Buttons that open a page (`web_url`) must be https. URLs of media and receipts may be http. Hosts in private networks
and one's own machine are refused at the door (`private_host`): Meta fetches the URL, not this server, and could not
reach them. Sizes of files (25 MB; 8 MB for an image by URL) are judged by Meta.

## Uploads

`POST /v1/attachments` has Meta fetch a file once; its `attachment_id` can be sent for 90 days. The same URL again
gives the same id until it nears its end.

## The Page itself

| Address | For |
|---|---|
| `/v1/pages/{id}/profile` | get-started button, greeting, ice breakers (4), persistent menu (20 items, titles of 30), \
domains. `PUT` sets the fields given, `DELETE` empties all or those in `fields`. Also `guestlist pages profile` |
| `/v1/pages/{id}/personas` | names (50 characters) and faces the Page writes under. Also `guestlist pages personas` |
| `POST /v1/pages/{id}/actions` | `typing_on`, `typing_off`, `mark_seen` for one person |
| `/v1/pages/{id}/snippet` | a "Message us" button for a website: an m.me link with a sealed ref, which comes back when \
somebody follows it. The ref cannot be read or changed on its way, opens only in this workspace, and ends |

## Refusals

| Remedy | What happens |
|---|---|
| `retry` | surely not applied: again after a pause |
| `wait` | a limit: again later, and slower |
| `next` | this person cannot be reached this way: the next rule |
| `stop` | the message is wrong, or Meta stopped the Page for it: never again unchanged; the next rule |
| `reconnect` | a person must connect the Page again; the message waits |
| `lost` | nobody knows whether Meta took it: `unknown`, never repeated; an echo or a receipt settles it |

A number that is not listed is judged by its class in [Graph errors](graph-errors.md). An answer that is cut short,
empty or never comes is `lost`; a call that provably never left is `retry`.
"""


def handbook() -> Iterator[str]:
    """The lines of the page."""
    yield from HEAD.splitlines()
    yield from ("", "| Tag | Refused from | Reaches people | For | Then |", "|---|---|---|---|---|")
    yield from map(_tag_row, tags.TABLE)
    yield from (
        "",
        "## Limits",
        "",
        "Checked before the call; each refusal names the field.",
        "",
        "| What | Limit |",
        "|---|---|",
    )
    yield from (f"| {what} | {limit} |" for what, limit in LIMITS)
    yield ""
    yield from AFTER_LIMITS.splitlines()
    yield from ("", "| Code | Subcode | Remedy | Our word | What it means |", "|---|---|---|---|---|")
    order = list(Remedy)
    for (code, subcode), row in sorted(SEND_ERRORS.items(), key=lambda item: order.index(item[1].remedy)):
        numbers = ("any" if code is None else code, "" if subcode is None else subcode)
        yield f"| {numbers[0]} | {numbers[1]} | `{row.remedy}` | `{row.word}` | {row.sentence} |"


LIMITS = (
    ("text, with its title", f"under {limits.TEXT_BELOW:,} characters"),
    ("text above buttons, with its title", f"{templates.BUTTON_TEXT} characters"),
    ("quick replies", f"{limits.QUICK_REPLIES}; title {templates.TITLE}, payload {templates.PAYLOAD:,} characters"),
    ("buttons", f"{templates.BUTTONS}; title {templates.TITLE}, payload {templates.PAYLOAD:,} characters"),
    ("kinds of button", ", ".join(f"`{kind}`" for kind in templates.BUTTON_CHECKS)),
    ("kinds of template", ", ".join(f"`{kind}`" for kind in templates.TEMPLATE_CHECKS)),
    ("`generic`", "10 elements; title and subtitle 80"),
    ("`media`", "1 element, by `url` or `attachment_id`"),
    ("`receipt`", "100 elements"),
    ("`coupon`", "title and subtitle 80; a code without spaces, a URL, or both"),
    ("`customer_feedback`", "title 65, subtitle 80, button title 20; 1 to 7 days"),
    ("`product`", "10 elements"),
    ("`image_grid`", "2 to 6 images; title 45, subtitle 80"),
)
_FOR = {tags.Needs.NOTHING: "", tags.Needs.PERSON: "a person's reply (`by_person`)", tags.Needs.FEEDBACK: "`customer_feedback`"}


def _tag_row(tag: tags.Tag) -> str:
    reaches = f"{tag.within.days} days after they last wrote" if tag.within else "at any time"
    until = tag.until.isoformat() if tag.until else ""
    return f"| `{tag.name}` | {until} | {reaches} | {_FOR[tag.needs]} | {f'`{tag.became}`' if tag.became else ''} |"


if __name__ == "__main__":
    print("\n".join(handbook()))
