"""A letter as bytes. The standard library's e-mail package writes it and refuses line breaks in headers; none reach it anyway."""

from __future__ import annotations

import email.policy
import mimetypes
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage

from guestlist.channels.base import Sender

POLICY = email.policy.SMTP.clone(cte_type="7bit")
"""CRLF, and no byte above 127: every relay takes it, whatever it says of 8BITMIME."""

LONGEST_SUBJECT = 78
"""Characters of a subject that is made from the text (RFC 5322, 2.1.1: lines of at most 78)."""

KINDS = {"image": "image/png", "audio": "audio/mpeg", "video": "video/mp4", "file": "application/octet-stream"}
"""The MIME type of a file that has only a kind, where its name tells none."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What an e-mail says. `files`: type, name, data (base64). `unsubscribe` is a web address or a mailto: link."""

    subject: str
    text: str = field(repr=False)
    html: str = field(default="", repr=False)
    reply_to: str = ""
    unsubscribe: str = ""
    files: Sequence[Mapping[str, str]] = field(default=(), repr=False)


def choose_subject(title: str, text: str) -> str:
    """The title on one line; without one the text's beginning, cut between words."""
    subject = " ".join(title.split())
    if subject:
        return subject
    first = " ".join(next((line for line in text.splitlines() if line.strip()), "").split())
    if len(first) <= LONGEST_SUBJECT:
        return first
    return first[: LONGEST_SUBJECT - 1].rpartition(" ")[0].rstrip(",;:") + "…"


def encode_letter(letter: Letter, *, to: str, part_id: str, sender: Sender) -> tuple[str, bytes]:
    """The Message-ID (without its angle brackets) and the letter as it goes over the wire."""
    domain = sender.sender.rpartition("@")[2]
    message_id = f"{part_id}@{ascii_domain(domain)}"
    message = EmailMessage(POLICY)
    message["Message-ID"] = f"<{message_id}>"
    message["From"] = _address(sender.sender, str(sender.config.get("from_name", "")))
    message["To"] = _address(to)
    message["Subject"] = letter.subject
    if letter.reply_to:
        message["Reply-To"] = _address(letter.reply_to)
    if unsubscribe := letter.unsubscribe or str(sender.config.get("unsubscribe_url", "")):
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office programs stay silent
    _fill(message, letter)
    return message_id, message.as_bytes()


def _fill(message: EmailMessage, letter: Letter) -> None:
    if letter.text:
        message.set_content(letter.text)
        if letter.html:
            message.add_alternative(letter.html, subtype="html")
    else:
        message.set_content(letter.html, subtype="html")
    for number, file in enumerate(letter.files, 1):
        kind = _kind(file)
        maintype, _, subtype = kind.partition("/")
        name = " ".join(file["name"].split()) or f"file-{number}{mimetypes.guess_extension(kind) or ''}"
        message.add_attachment(b64decode(file["data"]), maintype=maintype, subtype=subtype, filename=name)


def _kind(file: Mapping[str, str]) -> str:
    """A file's MIME type: as given, else by its name, else by its kind."""
    if "/" in file["type"]:
        return file["type"]
    return mimetypes.guess_type(file["name"])[0] or KINDS.get(file["type"], KINDS["file"])


def _address(mailbox: str, name: str = "") -> Address:
    local, _, domain = mailbox.rpartition("@")
    return Address(" ".join(name.split()), local, domain)


def ascii_domain(domain: str) -> str:
    """A domain as mail servers know it."""
    return domain if domain.isascii() else domain.encode("idna").decode()
