"""Kannel's `sendsms`, the way to any carrier that speaks SMPP: one POST a text, its parameters in headers.

Source: Kannel user guide 1.4, "Using the HTTP interface to send SMS messages" (parameters, their X-Kannel headers, replies and
delivery report values), read 2026-11. By POST neither the password nor the text stands in a URL. Kannel gives a text no id:
reports find it by the part's id in the address they go to.
"""

from __future__ import annotations

from urllib.parse import urlencode

from guestlist.channels.base import Accepted, PartCall, Probe, Refused, Remedy, Sender
from guestlist.channels.http import Http, HttpAnswer, HttpFailure, HttpRequest

from .gateway import lose, probe_failure, refuse_failure
from .segments import Encoding, measure

ALL_REPORTS = "31"
"""dlr-mask: delivered 1, not delivered 2, queued 4, taken by the SMSC 8, refused by the SMSC 16."""

REPORT = "status=%d&at=%T&id=%F"
"""What Kannel fills into the address of a report: the value, seconds since 1970, the SMSC's own id."""

CODINGS = {Encoding.GSM: "0", Encoding.UCS2: "2"}
TAKEN = (b"0:", b"3:")
"""How the replies begin that mean yes: accepted, queued."""

REFUSALS: tuple[tuple[int, bytes, Remedy, str, str], ...] = (
    (403, b"Authorization failed", Remedy.RECONNECT, "bad_credentials", "Kannel does not know this user and password."),
    (403, b"Not routable", Remedy.NEXT, "unreachable", "Kannel has no route to this number."),
    (403, b"", Remedy.NEXT, "number_denied", "Kannel's lists deny this number."),
    (400, b"Invalid recipient", Remedy.NEXT, "invalid_number", "Kannel says this is no phone number."),
    (400, b"Sender missing", Remedy.RECONNECT, "bad_sender", "Kannel wants a sender."),
    (400, b"", Remedy.STOP, "refused", "Kannel refused the text."),
    (404, b"", Remedy.RECONNECT, "bad_url", "There is no sendsms service at this address."),
    (429, b"", Remedy.WAIT, "throttled", "Kannel takes no more texts just now."),
    (503, b"Temporal failure", Remedy.RETRY, "unavailable", "Kannel cannot take the text just now."),
)
"""HTTP status, how the reply begins, and what it asks for. The first that fits counts; other 5xx leave it open."""


class Kannel:
    """Implements `Gateway`. Account: config `url` (of sendsms), `username`; secrets `password`, `webhook_token`."""

    def __init__(self, http: Http, public_url: str = "") -> None:
        self._http = http
        self._public_url = public_url

    async def send(self, sender: Sender, call: PartCall) -> Accepted | Refused:
        """`POST …/sendsms`."""
        text = str(call.body.get("text") or call.body.get("raw", {}).get("text", ""))
        request = HttpRequest("POST", sender.config["url"], self.build_headers(sender, call, text), text.encode())
        answer = await self._http.send(request)
        return refuse_failure(answer) if isinstance(answer, HttpFailure) else translate(answer)

    def build_headers(self, sender: Sender, call: PartCall, text: str) -> dict[str, str]:
        """Everything but the text. A raw body gives further parameters under their names in a URL, such as `mclass`."""
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": sender.config["username"],
            "X-Kannel-Password": sender.secret["password"],
            "X-Kannel-From": (call.body.get("sender") or sender.sender).removeprefix("+"),
            "X-Kannel-To": call.body["to"],
            "X-Kannel-Coding": CODINGS[measure(text).encoding],
        }
        if self._public_url:
            query = urlencode({"token": sender.secret["webhook_token"], "part": call.part_id})
            headers["X-Kannel-DLR-Mask"] = ALL_REPORTS
            headers["X-Kannel-DLR-Url"] = f"{self._public_url}/webhooks/kannel/{sender.account_id}?{query}&{REPORT}"
        ours = {name.lower() for name in headers}
        further = {f"X-Kannel-{name}": str(value) for name, value in call.body.get("raw", {}).items() if name != "text"}
        return headers | {name: value for name, value in further.items() if name.lower() not in ours}

    async def probe(self, sender: Sender) -> Probe:
        """Whether something answers there. Kannel proves a password only by sending."""
        answer = await self._http.send(HttpRequest("GET", sender.config["url"]))
        if isinstance(answer, HttpFailure):
            return probe_failure(answer)
        if answer.status == 404:
            return Probe(False, "bad_url", "There is no sendsms service at this address.")
        return Probe(True, "reachable", "Something answers at the address. Kannel proves user and password only by sending.")


def translate(answer: HttpAnswer) -> Accepted | Refused:
    """Kannel's reply."""
    if 200 <= answer.status < 300:
        if answer.body.startswith(TAKEN):
            return Accepted(None)
        return Refused(Remedy.LOST, "bad_answer", str(answer.status), "The answer is not one of Kannel's.")
    for status, beginning, remedy, code, sentence in REFUSALS:
        if answer.status == status and answer.body.startswith(beginning):
            return Refused(remedy, code, str(answer.status), sentence)
    if answer.status >= 500:
        return lose(answer)
    return Refused(Remedy.STOP, "refused", str(answer.status), "Kannel refused the text.")
