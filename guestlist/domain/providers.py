"""The providers of SMS and e-mail: what an account of each must give, what each can do. One table, for doors, checks and docs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .messages import Channel
from .networks import Network, check_url

LONGEST = 500
LONGEST_HELP = 1000

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.\-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}", re.ASCII)
_LINE = re.compile(r"[^\x00-\x1f\x7f]*")
_MAILBOX = re.compile(r"[^\s@<>(),;:\"\\\[\]\x00-\x1f]{1,64}@[^\s@<>(),;:\"\\\[\]\x00-\x1f]{1,255}")
_NUMBER = re.compile(r"\+?[0-9 ().\-]{3,30}", re.ASCII)
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &.\-_+]{3,11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing an account may say. `check` raises ValueError with what is wrong, and gives the value as it is kept."""

    name: str
    sentence: str
    check: Callable[[Any, Sequence[Network]], Any]
    needed: bool = False


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider on one channel."""

    channel: Channel
    name: str
    sentence: str
    settings: tuple[Setting, ...] = ()
    secrets: tuple[str, ...] = ()
    optional_secrets: tuple[str, ...] = ()
    shows_token: bool = False  # its webhooks show a token of ours, which is made with the account
    webhook: str = ""  # the provider's name in the path of its webhooks
    capabilities: Mapping[str, bool] = field(default_factory=dict)
    sender_needed: bool = True

    def setting(self, name: str) -> Setting | None:
        """A setting by its name."""
        return next((each for each in self.settings if each.name == name), None)


# -- values ---------------------------------------------------------------------------------------------------------


def _text(value: Any, _: Sequence[Network]) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST or not _LINE.fullmatch(value):
        raise ValueError(f"must be a text of one line, of at most {LONGEST} characters")
    return value.strip()


def _help(value: Any, _: Sequence[Network]) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_HELP or "\x00" in value:
        raise ValueError(f"must be a text of at most {LONGEST_HELP:,} characters")
    return value.strip()


def _sid(prefix: str) -> Callable[[Any, Sequence[Network]], str]:
    def check(value: Any, _: Sequence[Network]) -> str:
        if not isinstance(value, str) or not re.fullmatch(rf"{prefix}[0-9a-fA-F]{{32}}", value.strip()):
            raise ValueError(f"must be {prefix} and 32 hexadecimal digits")
        return value.strip()

    return check


def _url(value: Any, allowed: Sequence[Network]) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    check_url(value.strip(), allowed)
    return value.strip().rstrip("/")


def _link(value: Any, _: Sequence[Network]) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not re.fullmatch(r"(https?://|mailto:)[!-;=?-~]+", value):
        raise ValueError("must be a web address or a mailto: link")
    return value


def _host(value: Any, _: Sequence[Network]) -> str:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise ValueError("must be a host name or an address, without a port")
    return value


def _port(value: Any, _: Sequence[Network]) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise ValueError("must be a number from 1 to 65535")
    return value


def _tls(value: Any, _: Sequence[Network]) -> str:
    if value not in ("starttls", "implicit", "none"):
        raise ValueError("must be starttls, implicit or none")
    return str(value)


def check_sender(channel: Channel, value: str) -> str:
    """A sender as the row keeps it: a number as digits, a name, or a mailbox. Errors: ValueError."""
    value = value.strip()
    if channel is Channel.EMAIL:
        if not _MAILBOX.fullmatch(value):
            raise ValueError("must be a mailbox, such as shop@example.com")
        return value
    if _NUMBER.fullmatch(value) and 3 <= len(digits := re.sub(r"\D", "", value)) <= 15:
        return digits
    if not _NAME.fullmatch(value):
        raise ValueError("must be a number with its country code, a short code, or a name of 3 to 11 letters and digits")
    return value


# -- the table ------------------------------------------------------------------------------------------------------

HELP_TEXT = Setting("help_text", "The answer to HELP, once a day and person. Empty = none.", _help)

_SMS = {"delivery_receipts": True, "replies": True, "files": False, "unicode": True, "own_sender": True}
_MAIL = {"delivery_receipts": True, "replies": False, "files": True, "unicode": True, "own_sender": False}

PROVIDERS: Mapping[tuple[Channel, str], Provider] = {
    (each.channel, each.name): each
    for each in (
        Provider(
            Channel.SMS,
            "twilio",
            "Twilio's REST API, or anything that speaks its shape.",
            (
                Setting("account_sid", "The account SID, `AC…`.", _sid("AC"), needed=True),
                Setting("messaging_service_sid", "A messaging service, `MG…`, which picks the sender.", _sid("MG")),
                Setting("base_url", "Where its API is, if not at https://api.twilio.com.", _url),
                HELP_TEXT,
            ),
            secrets=("auth_token",),
            webhook="twilio",
            capabilities=_SMS,
            sender_needed=False,
        ),
        Provider(
            Channel.SMS,
            "kannel",
            "Kannel's `sendsms`, the way to any carrier that speaks SMPP.",
            (
                Setting("url", "The address of `sendsms`, such as https://sms.example.com/cgi-bin/sendsms.", _url, needed=True),
                Setting("username", "The `sendsms-user`.", _text, needed=True),
                HELP_TEXT,
            ),
            secrets=("password",),
            shows_token=True,
            webhook="kannel",
            capabilities=_SMS,
        ),
        Provider(
            Channel.SMS,
            "sandbox",
            "Accepts everything and sends nothing: for rehearsals.",
            (HELP_TEXT,),
            capabilities={**_SMS, "delivery_receipts": False, "replies": False},
        ),
        Provider(
            Channel.EMAIL,
            "smtp",
            "Any SMTP relay. It signs the letters (DKIM).",
            (
                Setting("host", "The relay's host.", _host, needed=True),
                Setting("port", "Its port; by `tls` 587, 465 or 25.", _port),
                Setting("tls", "`starttls` (default), `implicit`, or `none`, which takes no password.", _tls),
                Setting("username", "Who logs in. Without one nobody does.", _text),
                Setting("from_name", "The name beside the mailbox.", _text),
                Setting("unsubscribe_url", "The List-Unsubscribe header, where a message brings none.", _link),
            ),
            optional_secrets=("password",),
            shows_token=True,
            webhook="mail",
            capabilities=_MAIL,
        ),
        Provider(
            Channel.EMAIL,
            "sandbox",
            "Accepts everything and sends nothing: for rehearsals.",
            capabilities={**_MAIL, "delivery_receipts": False},
        ),
    )
}
"""By channel and name."""


def reference_table(channel: Channel) -> Iterator[str]:
    """The lines of a channel's capability table: one row a provider."""
    providers = [each for each in PROVIDERS.values() if each.channel is channel]
    names = list(dict.fromkeys(name for each in providers for name in each.capabilities))
    heads = " | ".join(name.replace("_", " ").capitalize() for name in names)
    yield f"| Provider | {heads} | Settings | Secrets |"
    yield f"|---|{'---|' * len(names)}---|---|"
    for each in providers:
        able = " | ".join("yes" if each.capabilities.get(name) else "no" for name in names)
        settings = ", ".join(f"`{setting.name}`{'' if setting.needed else '?'}" for setting in each.settings) or "none"
        secrets = ", ".join([f"`{name}`" for name in each.secrets] + [f"`{name}`?" for name in each.optional_secrets]) or "none"
        yield f"| `{each.name}` | {able} | {settings} | {secrets} |"
