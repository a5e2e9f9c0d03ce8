"""One letter to one relay by SMTP, and what its replies mean.

Source: RFC 5321 (4.2 replies), RFC 3463 (enhanced codes), RFC 6409 (submission). A reply's own words are left out everywhere:
they quote the address. Once the letter's text is on its way and no reply comes, nobody knows: it is lost, never repeated.
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import NamedTuple

import aiosmtplib
from aiosmtplib import SMTP

from guestlist.channels.base import Probe, Refused, Remedy, Sender

from .mime import ascii_domain

Dial = Callable[[str, int], Awaitable[socket.socket]]
"""A connected socket to a host and port. Errors: OSError, with EACCES for an address that may not be connected to."""

PORTS = {"starttls": 587, "implicit": 465, "none": 25}
SECONDS = 30.0
CONNECTIONS = 10
"""To one account's relay at once: more is commonly taken for abuse."""

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Stage(StrEnum):
    """How far a letter got."""

    CONNECT = "connect"
    TLS = "tls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"


class Rule(NamedTuple):
    """What a reply at a stage asks for."""

    stage: Stage
    codes: tuple[int, int]  # the first and last reply code
    remedy: Remedy
    code: str
    sentence: str


RULES: tuple[Rule, ...] = (
    Rule(Stage.CONNECT, (400, 499), Remedy.WAIT, "throttled", "The relay takes no more connections just now."),
    Rule(Stage.CONNECT, (500, 599), Remedy.RECONNECT, "refused_by_relay", "The relay does not talk to this server."),
    Rule(Stage.TLS, (400, 499), Remedy.RETRY, "no_tls", "The relay offers no TLS just now."),
    Rule(Stage.TLS, (500, 599), Remedy.RECONNECT, "no_tls", "The relay offers no TLS: check `tls` and the port."),
    Rule(Stage.LOGIN, (400, 499), Remedy.RETRY, "unavailable", "The relay cannot check the password just now."),
    Rule(Stage.LOGIN, (500, 599), Remedy.RECONNECT, "bad_credentials", "The relay does not take this user and password."),
    Rule(Stage.SENDER, (421, 421), Remedy.WAIT, "throttled", "The relay takes no more letters just now."),
    Rule(Stage.SENDER, (400, 499), Remedy.RETRY, "unavailable", "The relay cannot take letters from this mailbox just now."),
    Rule(Stage.SENDER, (500, 599), Remedy.RECONNECT, "bad_sender", "The relay takes no letters from this mailbox."),
    Rule(Stage.RECIPIENT, (421, 421), Remedy.WAIT, "throttled", "The relay takes no more letters just now."),
    Rule(Stage.RECIPIENT, (452, 452), Remedy.WAIT, "throttled", "The relay takes no more letters for this mailbox just now."),
    Rule(Stage.RECIPIENT, (400, 499), Remedy.RETRY, "deferred", "The mailbox cannot be reached just now."),
    Rule(
        Stage.RECIPIENT,
        (500, 599),
        Remedy.NEXT,
        "bad_address",
        "There is no such mailbox, or it takes no letters.",
    ),
    Rule(Stage.DATA, (421, 421), Remedy.WAIT, "throttled", "The relay takes no more letters just now."),
    Rule(Stage.DATA, (452, 452), Remedy.WAIT, "throttled", "The relay has no room just now."),
    Rule(Stage.DATA, (400, 499), Remedy.RETRY, "deferred", "The relay cannot take the letter just now."),
    Rule(Stage.DATA, (550, 551), Remedy.NEXT, "bad_address", "The letter was refused for this mailbox."),
    Rule(Stage.DATA, (552, 552), Remedy.STOP, "too_large", "The relay says the letter is too large."),
    Rule(Stage.DATA, (500, 599), Remedy.STOP, "refused", "The relay refused the letter."),
)
"""Replies by stage and code. The first that fits counts."""

PRIVATE = "The relay's address lies in a private network that GUESTLIST_ALLOW_NETWORKS does not list."


class Relay:
    """Talks to relays. Account: config `host`, `port`, `tls`, `username`, `from_name`, `unsubscribe_url`; secret `password`."""

    def __init__(self, dial: Dial, *, seconds: float = SECONDS, trust: ssl.SSLContext | None = None) -> None:
        self._dial = dial
        self._trust = trust  # None = what this machine trusts
        self._seconds = seconds
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(CONNECTIONS))

    async def send(self, sender: Sender, to: str, letter: bytes) -> Refused | None:
        """None where the relay took the letter."""
        progress = Progress()
        async with self._gates[sender.account_id]:
            try:
                async with self._session(sender, progress) as smtp:
                    await _hand_over(smtp, sender.sender, to, letter, progress)
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                return translate(error, progress.stage)
        return None

    async def probe(self, sender: Sender) -> Probe:
        """Whether the relay can be reached and takes the password."""
        progress = Progress()
        try:
            async with self._session(sender, progress):
                known = " and takes the password" if sender.config.get("username") else ""
                return Probe(True, "ok", f"The relay can be reached{known}.")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            refused = translate(error, progress.stage)
            return Probe(False, refused.code, refused.sentence)

    @asynccontextmanager
    async def _session(self, sender: Sender, progress: Progress) -> AsyncIterator[SMTP]:
        config = sender.config
        tls = str(config.get("tls") or "starttls")
        domain = ascii_domain(sender.sender.rpartition("@")[2])
        sock = await self._dial(config["host"], int(config.get("port") or PORTS[tls]))
        smtp = SMTP(
            hostname=config["host"],
            sock=sock,
            use_tls=tls == "implicit",
            start_tls=False,
            local_hostname=domain,
            timeout=self._seconds,
            tls_context=self._trust,
        )
        try:
            await smtp.connect()
        except BaseException:
            sock.close()
            raise
        try:
            await smtp.ehlo()
            if tls == "starttls":
                progress.stage = Stage.TLS
                await smtp.starttls()
                await smtp.ehlo()
            if config.get("username"):
                progress.stage = Stage.LOGIN
                await smtp.login(config["username"], sender.secret.get("password", ""))
            yield smtp
            await _leave(smtp)
        finally:
            smtp.close()


class Progress:
    """How far a session is."""

    def __init__(self) -> None:
        self.stage = Stage.CONNECT


async def _hand_over(smtp: SMTP, mailbox: str, to: str, letter: bytes, progress: Progress) -> None:
    progress.stage = Stage.SENDER
    local, _, domain = to.rpartition("@")
    to = f"{local}@{ascii_domain(domain)}"
    foreign = not (to.isascii() and mailbox.isascii())
    if foreign and not smtp.supports_extension("smtputf8"):
        progress.stage = Stage.RECIPIENT
        raise aiosmtplib.SMTPRecipientRefused(553, "5.6.7 the relay cannot write this address", to)
    encoding = "utf-8" if foreign else "ascii"
    await smtp.mail(mailbox, options=["SMTPUTF8"] if foreign else [], encoding=encoding)
    progress.stage = Stage.RECIPIENT
    await smtp.rcpt(to, encoding=encoding)
    progress.stage = Stage.DATA
    await smtp.data(letter)


async def _leave(smtp: SMTP) -> None:
    """Says goodbye; what was handed over stays so, whatever comes back."""
    try:
        await smtp.quit(timeout=2.0)
    except (aiosmtplib.SMTPException, OSError):
        return


def translate(error: Exception, stage: Stage) -> Refused:
    """What went wrong as a refusal."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _judge(stage, error.code, error.message)
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return Refused(Remedy.RECONNECT, "private_address", "", PRIVATE)
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return Refused(Remedy.RECONNECT, "bad_certificate", "", "The relay's certificate is not trusted.")
    if stage is Stage.DATA:
        return Refused(Remedy.LOST, "answer_lost", "", "The relay did not say whether it took the letter.")
    if stage is Stage.TLS and type(error) is aiosmtplib.SMTPException:  # what aiosmtplib raises where STARTTLS is not offered
        return _judge(stage, 502, "")
    if isinstance(error, aiosmtplib.SMTPNotSupported) or (stage is Stage.LOGIN and type(error) is aiosmtplib.SMTPException):
        return Refused(Remedy.RECONNECT, "bad_credentials", "", "The relay offers no way to log in that we know.")
    if isinstance(error, UnicodeError):
        return Refused(Remedy.NEXT, "bad_address", "", "This is not an address that mail servers can write.")
    return Refused(Remedy.RETRY, "no_connection", "", "No connection to the relay could be made, or it broke.")


def _judge(stage: Stage, code: int, message: str) -> Refused:
    for rule in RULES:
        if rule.stage is stage and rule.codes[0] <= code <= rule.codes[1]:
            enhanced = _ENHANCED.match(message)
            return Refused(rule.remedy, rule.code, f"{code} {enhanced[1]}" if enhanced else str(code), rule.sentence)
    if stage is Stage.DATA:
        return Refused(Remedy.LOST, "bad_answer", str(code), "The relay's reply is none that SMTP knows.")
    return Refused(Remedy.RETRY, "bad_answer", str(code), "The relay's reply is none that SMTP knows.")
