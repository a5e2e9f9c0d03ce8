"""The page `docs/reference/sms.md`, made from the tables: `python -m guestlist.channels.sms.handbook` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from guestlist.channels.base import Remedy
from guestlist.domain import keywords
from guestlist.domain.messages import Channel
from guestlist.domain.providers import reference_table

from .channel import MOST_SEGMENTS
from .kannel import REFUSALS
from .twilio_errors import ERRORS

HEAD = """\
# SMS

How a message goes by SMS: what is sent, what it costs, what each provider can do, what comes back, and what each refusal
leads to. This page is made by `python -m guestlist.channels.sms.handbook > docs/reference/sms.md`; do not edit it.

## What goes how

A delivery by SMS is one call.

| Of the message | Becomes |
|---|---|
| `title`, `text` | one text; the title is its first line |
| each of `parts` | nothing: SMS carries no files. A file is refused `not_supported` by name, unless the text holds its \
`url`, or its `channels` leave SMS out |
| `quick_replies`, `buttons`, `template` | nothing: they are Messenger's own, and the text stands by itself |
| `raw.sms` | takes the place of all of these. Twilio: its own parameters, such as `ContentSid` or `MediaUrl`, beside or instead \
of ours, but for `To`. Kannel: `text`, and further parameters under their names, such as `mclass` |

| Option under `options.sms` | Does |
|---|---|
| `sender` | another sender than the account's: a number, or a name of 3 to 11 letters and digits |
| `allow_unicode` | `false`: what GSM 03.38 lacks is replaced, see [encoding](#encoding-and-segments) |

## When it may go

To any phone number, at any time, unless the person stopped messages by SMS (`opted_out`). There is no window.

## Encoding and segments

A text is GSM 03.38 where that alphabet has every character, else UCS-2: one pasted `’` makes the whole text UCS-2.
`^ { } [ ] ~ \\ | €` count twice in GSM, emoji twice in UCS-2; neither is parted over two segments.

| | One segment | Each of several |
|---|---|---|
| GSM | 160 | 153 |
| UCS-2 | 70 | 67 |

`POST /v1/messages/explain` tells under `measure` the encoding, the units and the segments of a text without sending it; a
delivery keeps them in its `route`. Providers bill by segment.

With `allow_unicode: false` a text is put into GSM: typographic quotes, dashes and dots become plain ones, ligatures and
letters without accents take the place of accented ones GSM lacks (`Łódź` is `Lodz`, `ç` is `c`, `é` stays), some signs are
spelled out (`™` is `TM`), and what nothing stands for, such as another script or an emoji, becomes `?`.
"""

ACCOUNTS = """\
`guestlist accounts connect --channel sms --provider …`, or `POST /v1/accounts`. Secrets come from a file, the environment or a
prompt, are kept sealed and never shown. `guestlist accounts check` tries an account without sending: at Twilio it reads the
account; Kannel proves a password only by sending, so only its address is tried. Addresses in private networks are refused
unless `GUESTLIST_ALLOW_NETWORKS` lists them, when an account is made and again at each connection.

A `sandbox` accepts everything, sends nothing and reports nothing: for rehearsals.

## What comes back

Set `GUESTLIST_PUBLIC_URL`: without it no provider can reach this server, and nothing comes back.

| Provider | Address | Proven by |
|---|---|---|
| `twilio` | `POST /webhooks/twilio/{account}` | `X-Twilio-Signature`, over the public address and the form |
| `kannel` | `GET /webhooks/kannel/{account}?token=…` | the token, shown once when the account is made; \
`accounts update --new-webhook-token` replaces it |

Status callbacks need no set-up: each text brings the address along, with the id of its part, so that a report settles a text
whose answer was lost. For incoming texts enter the account's `webhook_url`: at Twilio as the number's "A message comes in"
(HTTP POST); in Kannel as the `get-url` of an `sms-service`, with `max-messages = 0`, so that its empty answer is not sent:

    get-url = "https://…/webhooks/kannel/acc_…?token=…&from=%p&to=%P&text=%a&charset=%C&at=%T&id=%I"

Both are made durable before they are answered, and what comes twice has one effect.

| Twilio's status, Kannel's value | Receipt |
|---|---|
| `accepted`, `scheduled`, `queued`, `sending`, `sent`; 4, 8 | sent |
| `delivered`; 1 | delivered |
| `read` | read |
| `undelivered`, `failed`, `canceled`; 2, 16 | failed, with the code |

Twilio's 21610 in a callback also ends consent.

## Stop, help, start

A word counts when it is the whole message; case, accents and signs around it do not matter.

| Word | Does |
|---|---|
| stop | ends consent by SMS at once: no claim follows, on any account. `contact.opted_out`, and an entry in the ledger with the \
reply as proof |
| start | opens again what the person had stopped, with the reply as evidence: `contact.opted_in`. A start that was said before \
the stop opens nothing |
| help | is answered with the account's `help_text`, once a day and person. Leave it empty where the provider answers itself |
"""

REFUSED = """\
## Refusals

| Remedy | What happens |
|---|---|
| `retry` | surely not applied: again after a pause |
| `wait` | a limit: again later, and slower |
| `next` | this person cannot be reached this way: the next rule |
| `stop` | the text is wrong: never again unchanged; the next rule |
| `reconnect` | a person must mend the account; the message waits |
| `lost` | nobody knows whether the provider took it: `unknown`, never repeated; a report settles it |

A connection that could not be made is `retry`; an answer that is cut short or never comes, and any 5xx that is not below, is
`lost`. A provider's own words are never kept: they quote the number. Twilio's codes that are not listed go by the HTTP status:
401, 403 and 404 `reconnect`, 429 `wait`, other 4xx `stop`.

### Twilio
"""


def handbook() -> Iterator[str]:
    """The lines of the page."""
    yield from HEAD.splitlines()
    yield from ("", f"At most {MOST_SEGMENTS} segments are sent; a longer text is a 400 `too_long`.")
    yield from ("", "## Accounts", "", *reference_table(Channel.SMS), "", "A `?` marks what may be left out.", "")
    yield from ACCOUNTS.splitlines()
    yield from ("", "| Language | Stop | Help | Start |", "|---|---|---|---|")
    for language, stops in keywords.STOP.items():
        cells = (stops, keywords.HELP[language], keywords.START[language])
        yield f"| {language} | {' | '.join(', '.join(words) for words in cells)} |"
    yield ""
    yield from REFUSED.splitlines()
    yield from ("", "| Code | Remedy | Our word | What it means |", "|---|---|---|---|")
    order = list(Remedy)
    for code, row in sorted(ERRORS.items(), key=lambda item: (order.index(item[1].remedy), item[0])):
        yield f"| {code} | `{row.remedy}` | `{row.code}` | {row.sentence} |"
    yield from ("", "### Kannel", "", "| Status | Reply begins | Remedy | Our word | What it means |", "|---|---|---|---|---|")
    for status, beginning, remedy, word, sentence in REFUSALS:
        shown = f"`{beginning.decode()}`" if beginning else "otherwise"
        yield f"| {status} | {shown} | `{remedy}` | `{word}` | {sentence} |"


if __name__ == "__main__":
    print("\n".join(handbook()))
