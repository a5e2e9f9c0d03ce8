"""The page `docs/reference/email.md`, made from the tables: `python -m guestlist.channels.email.handbook` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from guestlist.domain.messages import Channel
from guestlist.domain.providers import reference_table

from .relay import CONNECTIONS, RULES

HEAD = """\
# E-mail

How a message goes by e-mail: what is sent, what each provider can do, what comes back, and what each refusal leads to. This
page is made by `python -m guestlist.channels.email.handbook > docs/reference/email.md`; do not edit it.

## What goes how

A delivery by e-mail is one letter.

| Of the message | Becomes |
|---|---|
| `title` | the subject; without one the beginning of the text is it |
| `text` | the plain text |
| each of `parts` with `data` | an attachment, 10 MiB together. A file by `url` is not fetched: it is refused `not_supported` by \
name, unless the text or HTML holds its `url`, or its `channels` leave e-mail out |
| `quick_replies`, `buttons`, `template` | nothing: they are Messenger's own, and the text stands by itself |
| `raw.email` | its `subject`, `text`, `html`, `reply_to` and `unsubscribe` go before all of these |

| Option under `options.email` | Does |
|---|---|
| `subject` | the subject, instead of the title |
| `html` | the letter as HTML, beside the text. Merge fields are filled in as HTML text: a name can bring no markup |
| `reply_to` | one plain address |
| `unsubscribe_url` | the `List-Unsubscribe` header, instead of the account's |

The Message-ID is made from the part's id and the sender's domain: the same at every try, so that nobody keeps a letter twice
and a report finds its delivery. `Auto-Submitted` keeps out-of-office programs silent. No line break gets into a header.

## When it may go

To any address, at any time, unless the person stopped messages by e-mail (`opted_out`). There is no window.

## Accounts
"""

ACCOUNTS = """\
`guestlist accounts connect --channel email --provider smtp --sender shop@example.com --set host=…`, or `POST /v1/accounts`. The
password comes from a file, the environment or a prompt, is kept sealed and never shown; it goes only over TLS, to a relay whose
certificate is trusted. `guestlist accounts check` greets the relay and logs in without sending. The relay signs (DKIM); SPF
and DMARC are the domain's. A relay in a private network needs `GUESTLIST_ALLOW_NETWORKS`.
"""

BACK = """\
A `sandbox` accepts everything, sends nothing and reports nothing: for rehearsals.

## What comes back

Relays tell of bounces in many shapes; point your relay, or a small script behind it, at the account's `webhook_url`:

    POST /webhooks/mail/{account}
    Authorization: Bearer {the token, shown once when the account is made; or ?token=… in the address}

    {"message_id": "<dlv_….1@example.com>", "event": "bounced", "code": "5.1.1", "at": "2026-11-20T12:00:00Z"}

A list of events, or one under `events`, is taken too, up to 10,000 in 1 MiB. `code` and `at` may be left out. It is made durable
before the 200; what comes twice has one effect.

| `event` | Does |
|---|---|
| `accepted` | the receipt sent |
| `delivered` | the receipt delivered |
| `opened`, `clicked` | the receipt read |
| `bounced` | the receipt failed, with the code |
| `complained`, `unsubscribed` | ends consent by e-mail: `contact.opted_out`, and an entry in the ledger |
| any other | nothing |

Letters that people write back go to the mailbox, or to `reply_to`; Guestlist does not read them.

## Refusals

| Remedy | What happens |
|---|---|
| `retry` | surely not applied: again after a pause |
| `wait` | a limit: again later, and slower |
| `next` | this person cannot be reached this way: the next rule |
| `stop` | the letter is wrong: never again unchanged; the next rule |
| `reconnect` | a person must mend the account; the message waits |
| `lost` | nobody knows whether the relay took it: `unknown`, never repeated; a report settles it |

A connection that broke before the letter's text is `retry`, one that broke after it is `lost`. A relay's own words are never
kept: they quote the address.

| Stage | Replies | Remedy | Our word | What it means |
|---|---|---|---|---|
"""


def handbook() -> Iterator[str]:
    """The lines of the page."""
    yield from HEAD.splitlines()
    yield from ("", *reference_table(Channel.EMAIL), "", "A `?` marks what may be left out.", "")
    yield from ACCOUNTS.splitlines()
    yield from (
        "",
        f"At most {CONNECTIONS} connections to a relay are open at once, one letter each. `rate` caps letters a second.",
        "",
    )
    yield from BACK.splitlines()
    for rule in RULES:
        first, last = rule.codes
        codes = str(first) if first == last else f"{first}-{last}"
        yield f"| {rule.stage} | {codes} | `{rule.remedy}` | `{rule.code}` | {rule.sentence} |"


if __name__ == "__main__":
    print("\n".join(handbook()))
