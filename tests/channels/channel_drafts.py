"""What the tests of channels begin with: a draft, a way, a sender."""

from __future__ import annotations

from typing import Any

from guestlist.channels.base import PartCall, Sender
from guestlist.domain.messages import AddressKind, Channel, Content, Draft, EmailOptions, Options, Rule, SmsOptions, Target
from guestlist.domain.routes import Open

PHONE, EMAIL = "447700900123", "ana@example.com"
PART = "dlv_01jd4kz0m8e5r7t9v2x4y6a8c0.1"
ACCOUNT = "acc_01jd4kz0m8e5r7t9v2x4y6a8c0"
ACCOUNT_SID = "AC0123456789abcdef0123456789abcdef"


def draft(
    text: str = "Your order is ready.", *, sms: SmsOptions = SmsOptions(), email: EmailOptions = EmailOptions(), **content: Any
) -> Draft:
    options = Options(sms=sms, email=email)
    return Draft(Target(phone=PHONE, email=EMAIL), (Rule(Channel.SMS),), Content(text=text, **content), options)


def way(channel: Channel = Channel.SMS) -> Open:
    if channel is Channel.SMS:
        return Open(channel, ACCOUNT, AddressKind.PHONE, PHONE)
    return Open(channel, ACCOUNT, AddressKind.EMAIL, EMAIL)


def call_of(body: Any) -> PartCall:
    return PartCall(PART, 1, body)


def twilio(base_url: str = "", **config: Any) -> Sender:
    given = {"account_sid": ACCOUNT_SID, "base_url": base_url, **config}
    return Sender(ACCOUNT, "twilio", "447700900999", given, {"auth_token": "sesame"})


def kannel(url: str) -> Sender:
    secret = {"password": "sesame", "webhook_token": "tok+en"}
    return Sender(ACCOUNT, "kannel", "447700900999", {"url": url, "username": "tester"}, secret)


def smtp(port: int, **config: Any) -> Sender:
    return Sender(
        ACCOUNT, "smtp", "shop@example.com", {"host": "127.0.0.1", "port": port, "tls": "none", **config}, {"password": "sesame"}
    )
