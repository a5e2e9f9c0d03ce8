"""The door for the webhooks of SMS and e-mail accounts: who is believed, what is kept, what is answered."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlencode

import pytest
from inbound_driver import Answered, FakeInbox, call
from structlog.testing import capture_logs

from guestlist.inbound import accounts
from guestlist.inbound.accounts import AccountReceiver

ACCOUNT = "acc_01jd4kz0m8e5r7t9v2x4y6a8c0"
TOKEN = "12345"
PUBLIC = "https://mycompany.example"
STATUS = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+14158675310", "Body": "naïve & co"}


class Secrets:
    async def find_secret(self, provider: str, account_id: str) -> str | None:
        return TOKEN if account_id == ACCOUNT else None


async def elsewhere(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"elsewhere"})


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
def receiver(inbox: FakeInbox) -> AccountReceiver:
    return AccountReceiver(inbox, Secrets(), otherwise=elsewhere, public_url=PUBLIC, max_bytes=2000)


def sign(url: str, form: dict[str, str], token: str = TOKEN) -> str:
    """Twilio's signature by RFC 2104 written out: no `hmac`, no code of ours."""
    text = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    key = token.encode().ljust(64, b"\0")
    inner = hashlib.sha1(bytes(each ^ 0x36 for each in key) + text.encode()).digest()
    return base64.b64encode(hashlib.sha1(bytes(each ^ 0x5C for each in key) + inner).digest()).decode()


async def post_twilio(receiver, form=STATUS, *, query="", signature=None, account=ACCOUNT, token=TOKEN) -> Answered:
    url = f"{PUBLIC}/webhooks/twilio/{account}{f'?{query}' if query else ''}"
    headers = {"x-twilio-signature": sign(url, form, token) if signature is None else signature}
    path = f"/webhooks/twilio/{account}"
    return await call(receiver, "POST", path, query=query, headers=headers, chunks=[urlencode(form).encode()])


def test_the_signature_is_the_one_of_twilios_documentation() -> None:
    """The worked example of twilio.com/docs/usage/security, with its result recomputed by hand in `sign`."""
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    signature = sign(url, form).encode()
    body = urlencode(dict(reversed(form.items()))).encode()
    assert accounts.check_twilio_signature(signature, url, body, TOKEN) == base64.b64decode(signature)
    assert accounts.check_twilio_signature(signature, url, body, "12346") is None
    assert accounts.check_twilio_signature(signature, url + "x", body, TOKEN) is None
    assert accounts.check_twilio_signature(signature, url, body + b"&x=1", TOKEN) is None


@pytest.mark.parametrize(
    ("signed", "asked"),
    [
        ("https://a.example:443/x", "https://a.example/x"),
        ("https://a.example/x", "https://a.example:8443/x"),
        ("http://a.example:80/x", "http://a.example/x"),
    ],
)
def test_a_port_may_be_signed_or_not(signed: str, asked: str) -> None:
    assert accounts.check_twilio_signature(sign(signed, {"a": "1"}).encode(), asked, b"a=1", TOKEN) is not None


async def test_a_signed_callback_is_durable_before_the_answer(receiver, inbox) -> None:
    answered = await post_twilio(receiver, query="part=dlv_1.1")
    assert (answered.status, answered.body, answered.headers["content-type"]) == (200, b"<Response/>", "text/xml")
    body = b"MessageSid=SM1&MessageStatus=delivered&To=%2B14158675310&Body=na%C3%AFve+%26+co&part=dlv_1.1"
    assert inbox.bodies == [("twilio", ACCOUNT, body)]
    assert len(inbox.macs[0]) == 20


async def test_the_query_is_proven_along(receiver, inbox) -> None:
    """A callback whose part id was changed on the way is not believed."""
    good = sign(f"{PUBLIC}/webhooks/twilio/{ACCOUNT}?part=dlv_1.1", STATUS)
    answered = await post_twilio(receiver, query="part=dlv_2.1", signature=good)
    assert (answered.status, inbox.bodies) == (403, [])


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", sign(f"{PUBLIC}/webhooks/twilio/{ACCOUNT}", STATUS, "wrong")])
async def test_what_is_not_signed_changes_nothing(receiver, inbox, signature: str) -> None:
    with capture_logs() as logged:
        answered = await post_twilio(receiver, signature=signature)
    assert (answered.status, inbox.bodies) == (403, [])
    assert logged == [{"event": "webhook_refused", "provider": "twilio", "code": "webhook_forged", "log_level": "warning"}]


async def test_an_unknown_account_is_told_no_more_than_a_forger(receiver, inbox) -> None:
    unknown = await post_twilio(receiver, account="acc_01jd4kz0m8e5r7t9v2x4y6a8c1")
    forged = await post_twilio(receiver, signature="AAAA")
    assert (unknown.status, unknown.body) == (forged.status, forged.body)
    assert inbox.bodies == []


async def test_kannel_shows_its_token_which_is_not_kept(receiver, inbox) -> None:
    path = f"/webhooks/kannel/{ACCOUNT}"
    answered = await call(receiver, "GET", path, query=f"part=dlv_1.1&token={TOKEN}&status=1&at=1783000000")
    assert (answered.status, answered.body) == (200, b"")
    assert inbox.bodies == [("kannel", ACCOUNT, b"part=dlv_1.1&status=1&at=1783000000")]
    for query in ("status=1", "token=&status=1", "token=12346&status=1", f"token={TOKEN}&token=x"):
        assert (await call(receiver, "GET", path, query=query)).status == 403
    assert len(inbox.bodies) == 1


async def test_mail_shows_its_token_in_a_header_or_the_query(receiver, inbox) -> None:
    path, body = f"/webhooks/mail/{ACCOUNT}", b'{"message_id": "x", "event": "bounced"}'
    by_header = await call(receiver, "POST", path, headers={"authorization": f"Bearer {TOKEN}"}, chunks=[body])
    by_query = await call(receiver, "POST", path, query=f"token={TOKEN}", chunks=[body])
    neither = await call(receiver, "POST", path, headers={"authorization": "Bearer x"}, chunks=[body])
    assert [each.status for each in (by_header, by_query, neither)] == [200, 200, 403]
    assert inbox.bodies == [("mail", ACCOUNT, body)] * 2


async def test_equal_webhooks_are_known_by_their_mac(receiver, inbox) -> None:
    for _ in range(2):
        await post_twilio(receiver)
    await post_twilio(receiver, {**STATUS, "MessageStatus": "sent"})
    assert inbox.macs[0] == inbox.macs[1] != inbox.macs[2]


@pytest.mark.parametrize(("provider", "method"), [("twilio", "GET"), ("kannel", "POST"), ("mail", "GET"), ("mail", "DELETE")])
async def test_other_methods_are_refused(receiver, provider: str, method: str) -> None:
    answered = await call(receiver, method, f"/webhooks/{provider}/{ACCOUNT}", query=f"token={TOKEN}")
    assert answered.status == 405


@pytest.mark.parametrize(
    "path", ["/webhooks/meta", "/webhooks/other/acc_1", "/webhooks/twilio", "/webhooks/twilio/acc_1/x", "/webhooks/twilio/../x"]
)
async def test_everything_else_goes_elsewhere(receiver, path: str) -> None:
    assert (await call(receiver, "POST", path)).status == 299


async def test_bodies_are_bounded(receiver, inbox) -> None:
    answered = await post_twilio(receiver, {"Body": "x" * 3000})
    assert (answered.status, inbox.bodies) == (413, [])


async def test_what_cannot_be_stored_is_not_accepted(receiver, inbox) -> None:
    inbox.failure = RuntimeError("no room for +14158675310")
    with capture_logs() as logged:
        answered = await post_twilio(receiver)
    assert answered.status == 503
    assert logged == [{"event": "webhook_not_stored", "provider": "twilio", "error": "RuntimeError", "log_level": "error"}]


async def test_without_a_public_url_the_address_as_it_came_is_proven(inbox) -> None:
    receiver = AccountReceiver(inbox, Secrets(), otherwise=elsewhere)
    path = f"/webhooks/twilio/{ACCOUNT}"
    headers = {"host": "local.example:8080", "x-twilio-signature": sign(f"http://local.example:8080{path}", STATUS)}
    answered = await call(receiver, "POST", path, headers=headers, chunks=[urlencode(STATUS).encode()])
    assert answered.status == 200
