"""E-mail: the letter as bytes, and what each reply of a relay means at each stage."""

from __future__ import annotations

import email
import email.policy
import ssl
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from channel_drafts import ACCOUNT, EMAIL, PART, call_of, draft, smtp, way
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs
from support.providers import play_relay, to_this_machine

from guestlist.actions.merging import fill
from guestlist.channels.base import Accepted, Remedy, Sender
from guestlist.channels.dialing import Dialer
from guestlist.channels.email import EmailChannel
from guestlist.channels.email.mime import choose_subject
from guestlist.channels.email.relay import RULES, Relay, Stage
from guestlist.domain.messages import Channel, EmailOptions, Media

CHANNEL = EmailChannel(Relay(Dialer(to_this_machine), seconds=2.0))
MESSAGE_ID = f"{PART}@example.com"


async def send(given=None, *, config=None, **relay):
    """Sends one letter through a relay that replies so; the outcome and the relay."""
    async with play_relay(**relay) as played:
        [body] = CHANNEL.build(given or draft(title="Your order"), way(Channel.EMAIL))
        return await CHANNEL.send(smtp(played.port, **(config or {})), call_of(body)), played


def read(letter: bytes):
    return email.message_from_bytes(letter, policy=email.policy.default)


def problems(given) -> list[tuple[str, str]]:
    return [(each.field, each.code) for each in CHANNEL.check(given)]


# -- the letter -----------------------------------------------------------------------------------------------------


async def test_the_conversation_is_smtps() -> None:
    outcome, relay = await send()
    assert relay.commands == ["EHLO example.com", "MAIL FROM:<shop@example.com>", "RCPT TO:<ana@example.com>", "DATA", "QUIT"]
    assert outcome == Accepted(MESSAGE_ID)
    [letter] = relay.letters
    assert letter == (
        b"Message-ID: <dlv_01jd4kz0m8e5r7t9v2x4y6a8c0.1@example.com>\r\n"
        b"From: shop@example.com\r\n"
        b"To: ana@example.com\r\n"
        b"Subject: Your order\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"MIME-Version: 1.0\r\n"
        b"\r\n"
        b"Your order is ready.\r\n"
    )


async def test_text_html_files_and_headers() -> None:
    options = EmailOptions(
        subject="Réservation", html="<p>Prêt</p>", reply_to="desk@example.com", unsubscribe_url="https://example.com/u/1"
    )
    files = (
        Media("application/pdf", data=b64encode(b"%PDF").decode(), name="bill.pdf"),
        Media("image", data=b64encode(b"GIF").decode()),
    )
    _, relay = await send(draft("Prêt", email=options, parts=files), config={"from_name": "Northwind, Coffee"})
    letter = read(relay.letters[0])
    assert relay.letters[0].isascii()
    assert (letter["From"], letter["Subject"]) == ('"Northwind, Coffee" <shop@example.com>', "Réservation")
    assert (letter["Reply-To"], letter["List-Unsubscribe"]) == ("desk@example.com", "<https://example.com/u/1>")
    assert letter.get_body(("plain",)).get_content().strip() == "Prêt"
    assert letter.get_body(("html",)).get_content().strip() == "<p>Prêt</p>"
    attached = [(each.get_content_type(), each.get_filename(), each.get_content()) for each in letter.iter_attachments()]
    assert attached == [("application/pdf", "bill.pdf", b"%PDF"), ("image/png", "file-2.png", b"GIF")]


async def test_the_accounts_unsubscribe_link_serves_where_the_message_has_none() -> None:
    _, relay = await send(config={"unsubscribe_url": "mailto:stop@example.com"})
    assert read(relay.letters[0])["List-Unsubscribe"] == "<mailto:stop@example.com>"


async def test_a_line_of_only_a_dot_stays_in_the_letter() -> None:
    _, relay = await send(draft("one\n.\ntwo", title="Dots"))
    assert relay.letters[0].endswith(b"\r\none\r\n..\r\ntwo\r\n")


BREAKS = ["\r\nBcc: thief@example.com", "\nBcc: thief@example.com", "\r\n\r\nInjected", "\x0b\x0cBcc: x", "\u2028Bcc: x"]


@pytest.mark.parametrize("attack", BREAKS)
async def test_no_line_break_gets_into_a_header(attack: str) -> None:
    options = EmailOptions(subject=f"Hello{attack}")
    files = (Media("file", data="QQ==", name=f"a{attack}.txt"),)
    _, relay = await send(draft(email=options, parts=files), config={"from_name": f"Shop{attack}"})
    letter = read(relay.letters[0])
    assert set(letter.keys()) == {
        "Message-ID", "From", "To", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert "Bcc" not in letter
    assert len(relay.letters) == 1
    assert [command.partition(":")[0] for command in relay.commands] == [
        "EHLO example.com",
        "MAIL FROM",
        "RCPT TO",
        "DATA",
        "QUIT",
    ]


@pytest.mark.parametrize("attack", BREAKS)
def test_a_line_break_in_an_address_or_link_is_refused(attack: str) -> None:
    options = EmailOptions(reply_to=f"desk@example.com{attack}", unsubscribe_url=f"https://example.com/{attack}")
    assert problems(draft(email=options)) == [
        ("options.email.reply_to", "bad_address"),
        ("options.email.unsubscribe_url", "bad_url"),
    ]


def test_a_subject_is_the_title_else_the_texts_beginning() -> None:
    assert choose_subject("  Your\n order ", "x") == "Your order"
    assert choose_subject("", "\n  Your order  is ready.\nMore.") == "Your order is ready."
    cut = choose_subject("", "word " * 40)
    assert (len(cut) <= 78, cut.endswith("word…")) == (True, True)


def test_what_cannot_go_by_mail_is_refused_by_name() -> None:
    assert problems(draft("")) == [("content.text", "missing")]
    assert problems(draft("", email=EmailOptions(html="<p>Hi</p>"))) == []
    assert problems(draft("Look", parts=(Media("image", url="https://example.com/cup.png"),))) == [
        ("content.parts.0", "not_supported")
    ]
    assert problems(draft("See https://example.com/cup.png", parts=(Media("image", url="https://example.com/cup.png"),))) == []
    for kind in ("text", "a/b/c", "multipart/mixed", "text/plain\r\nBcc: x"):
        assert problems(draft(parts=(Media(kind, data="QQ=="),))) == [("content.parts.0.type", "bad_type")]
    assert problems(draft(parts=(Media("image", data="no base64!"),))) == [("content.parts.0.data", "bad_base64")]
    assert problems(draft(parts=(Media("file", data="A" * 15_000_000),))) == [("content.parts", "too_large")]


# -- the relay ------------------------------------------------------------------------------------------------------

COMMANDS = {
    Stage.CONNECT: "CONNECT",
    Stage.LOGIN: "AUTH",
    Stage.SENDER: "MAIL",
    Stage.RECIPIENT: "RCPT",
    Stage.DATA: "BODY",
}


@pytest.mark.parametrize(
    "rule", [each for each in RULES if each.stage is not Stage.TLS], ids=lambda each: f"{each.stage} {each.codes}"
)
async def test_every_reply_of_the_table_means_what_it_says(rule) -> None:
    config = {"username": "shop"} if rule.stage is Stage.LOGIN else {}
    outcome, relay = await send(config=config, replies={COMMANDS[rule.stage]: f"{rule.codes[1]} 5.1.1 <{EMAIL}> is unknown"})
    assert (outcome.remedy, outcome.code) == (rule.remedy, rule.code)
    assert outcome.provider_code.startswith(str(rule.codes[1]))
    assert EMAIL not in repr(outcome)
    assert len(relay.letters) == (rule.stage is Stage.DATA)


@pytest.mark.parametrize(
    ("replies", "remedy", "code", "provider_code"),
    [
        ({"RCPT": "550 5.1.1 unknown"}, Remedy.NEXT, "bad_address", "550 5.1.1"),
        ({"RCPT": "450 4.2.1 greylisted"}, Remedy.RETRY, "deferred", "450 4.2.1"),
        ({"MAIL": "553 sender"}, Remedy.RECONNECT, "bad_sender", "553"),
        ({"DATA": "451 not now"}, Remedy.RETRY, "deferred", "451"),
        ({"BODY": "554 5.7.1 spam"}, Remedy.STOP, "refused", "554 5.7.1"),
        ({"BODY": "421 too many"}, Remedy.WAIT, "throttled", "421"),
        ({"BODY": None}, Remedy.LOST, "answer_lost", ""),
        ({"CONNECT": None}, Remedy.RETRY, "no_connection", ""),
        ({"RCPT": None}, Remedy.RETRY, "no_connection", ""),
        ({"QUIT": None}, None, "", ""),
    ],
)
async def test_replies_and_broken_connections(replies, remedy, code, provider_code) -> None:
    outcome, _ = await send(replies=replies)
    if remedy is None:
        assert outcome == Accepted(MESSAGE_ID)
    else:
        assert (outcome.remedy, outcome.code, outcome.provider_code) == (remedy, code, provider_code)


async def test_it_logs_in_where_there_is_a_user() -> None:
    outcome, relay = await send(config={"username": "shop"})
    assert outcome == Accepted(MESSAGE_ID)
    assert relay.commands[1].startswith("AUTH PLAIN ")


async def test_a_relay_without_tls_gets_no_letter_where_tls_is_wanted() -> None:
    outcome, relay = await send(config={"tls": "starttls"})
    assert (outcome.remedy, outcome.code, relay.letters) == (Remedy.RECONNECT, "no_tls", [])
    outcome, relay = await send(config={"tls": "starttls"}, offers=("STARTTLS",), replies={"STARTTLS": "454 later"})
    assert (outcome.remedy, outcome.code) == (Remedy.RETRY, "no_tls")


@pytest.fixture
def trusted(tmp_path):
    """A relay's identity for 127.0.0.1, and the context of somebody who trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "relay.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem.write_bytes(certificate.public_bytes(Encoding.PEM) + private)
    identity = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    identity.load_cert_chain(pem)
    return identity, ssl.create_default_context(cafile=str(pem))


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_over_tls_the_password_goes_only_to_whom_we_trust(trusted, tls: str) -> None:
    identity, trust = trusted
    config = {"tls": tls, "username": "shop"}
    [body] = CHANNEL.build(draft(title="Your order"), way(Channel.EMAIL))
    given = {"identity": identity, "implicit": tls == "implicit", "offers": ("STARTTLS", "AUTH PLAIN")}
    async with play_relay(**given) as relay:
        channel = EmailChannel(Relay(Dialer(to_this_machine), seconds=2.0, trust=trust))
        assert await channel.send(smtp(relay.port, **config), call_of(body)) == Accepted(MESSAGE_ID)
    async with play_relay(**given) as stranger:
        refused = await CHANNEL.send(smtp(stranger.port, **config), call_of(body))
    assert (refused.remedy, refused.code, stranger.letters) == (Remedy.RECONNECT, "bad_certificate", [])
    assert not any(command.startswith("AUTH") for command in stranger.commands)


async def test_a_relay_that_knows_no_login_needs_a_person() -> None:
    outcome, _ = await send(config={"username": "shop"}, offers=("SIZE 1000",))
    assert (outcome.remedy, outcome.code) == (Remedy.RECONNECT, "bad_credentials")


async def test_addresses_beyond_ascii() -> None:
    [body] = CHANNEL.build(draft(title="x"), way(Channel.EMAIL))
    async with play_relay() as relay:
        taken = await CHANNEL.send(smtp(relay.port), call_of({**body, "to": "ana@bücher.example"}))
    assert (taken, relay.commands[2]) == (Accepted(MESSAGE_ID), "RCPT TO:<ana@xn--bcher-kva.example>")
    async with play_relay() as relay:
        taken = await CHANNEL.send(smtp(relay.port), call_of({**body, "to": "añá@example.com"}))
    assert (taken, relay.commands[1:3]) == (
        Accepted(MESSAGE_ID),
        ["MAIL FROM:<shop@example.com> SMTPUTF8", "RCPT TO:<añá@example.com>"],
    )
    async with play_relay(offers=("SIZE 1000",)) as relay:
        refused = await CHANNEL.send(smtp(relay.port), call_of({**body, "to": "añá@example.com"}))
    assert (refused.remedy, refused.code) == (Remedy.NEXT, "bad_address")


@pytest.mark.parametrize("to", ["ana@" + "x" * 70 + ".é", "ana@example.com,bob@example.com", "a\r\nBcc: b@example.com", "@", ""])
async def test_an_address_that_is_none_never_reaches_the_relay(to: str) -> None:
    [body] = CHANNEL.build(draft(title="x"), way(Channel.EMAIL))
    async with play_relay() as relay:
        refused = await CHANNEL.send(smtp(relay.port), call_of({**body, "to": to}))
    assert (refused.remedy, refused.code, relay.letters) == (Remedy.NEXT, "bad_address", [])
    assert not any(command.startswith("RCPT") for command in relay.commands)


async def test_a_private_relay_needs_the_operators_leave() -> None:
    [body] = CHANNEL.build(draft(title="x"), way(Channel.EMAIL))
    sender = Sender(ACCOUNT, "smtp", "shop@example.com", {"host": "10.0.0.1", "tls": "none"}, {})
    refused = await CHANNEL.send(sender, call_of(body))
    assert (refused.remedy, refused.code) == (Remedy.RECONNECT, "private_address")


async def test_an_account_is_tried_without_sending() -> None:
    async with play_relay() as relay:
        probe = await CHANNEL.probe(smtp(relay.port, username="shop"))
    assert (probe.ok, probe.sentence, relay.letters) == (True, "The relay can be reached and takes the password.", [])
    async with play_relay(replies={"AUTH": "535 no"}) as relay:
        probe = await CHANNEL.probe(smtp(relay.port, username="shop"))
    assert (probe.ok, probe.code) == (False, "bad_credentials")


async def test_nothing_is_logged() -> None:
    with capture_logs() as logged:
        outcome, _ = await send(replies={"RCPT": f"550 <{EMAIL}> unknown"})
    assert (logged, EMAIL in repr(outcome)) == ([], False)


async def test_a_name_brings_no_markup_into_html() -> None:
    given = draft("Hi {{ contact.first_name }}", email=EmailOptions(html="<p>Hi {{ contact.first_name }}</p>"))
    filled = fill(given, {"first_name": "<img src=x>"})
    assert filled.content.text == "Hi <img src=x>"
    assert filled.options.email.html == "<p>Hi &lt;img src=x&gt;</p>"
