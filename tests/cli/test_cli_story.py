"""The main job by hand, one command after the other: from a customer file to a launched campaign."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli_meta import CONSENT, Meta, end
from typer.testing import Result

Ask = Callable[..., Any]


def test_a_list_becomes_subscribers_and_they_are_sent_a_message(
    page: str, customer_list: str, audience: str, ask: Ask, guestlist: Callable[..., Result], meta: Meta
) -> None:
    # Given a connected Page, an imported list and an audience
    upload = ask("audiences", "upload", audience, "--list", customer_list, *CONSENT)
    assert (upload["state"], upload["rows_sent"], upload["batches_sent"]) == ("matching", 400, 1)

    # When its subscribers are read and a campaign is launched
    meta.control("/clock", {"advance_seconds": 3600})
    synced = ask("pages", "sync", page)
    counts = ask("subscribers", "count", "--page", page)
    created = ask("campaigns", "create", "--page", page, "--name", "Autumn", "--text", "Two cups for one.")
    launched = ask("campaigns", "launch", created["id"])

    # Then everybody who can be reached is a recipient, and the sums hold
    assert counts["sources"]["list"]["open"] > 100
    assert synced["reachable"] == counts["open"] == launched["recipients"]
    assert (created["state"], launched["state"]) == ("warming", "warming")
    funnel = ask("campaigns", "show", created["id"])["funnel"]
    assert funnel["recipients"] == funnel["pending"] == sum(funnel["subscribers"].values())
    shown = guestlist("campaigns", "show", created["id"]).stdout
    assert f"{funnel['recipients']} recipients = 0 accepted + 0 failed + 0 unknown + {funnel['recipients']} pending" in shown
    kinds = [event["kind"] for event in ask("events", "list")["data"]]
    assert kinds[0] == "campaign.launched"
    assert {"page.connected", "list.imported", "audience.created", "upload.started", "page.synced"} <= set(kinds)


def test_beside_a_server_commands_leave_the_work_to_it(page: str, guestlist: Callable[..., Result], ask: Ask, start: Any) -> None:
    server = start("serve", "--port", "0", "--json")
    url = json.loads(server.stdout.readline())["url"]

    left = guestlist("audiences", "create", "--page", page, "--name", "Customers")
    waited = ask("audiences", "create", "--page", page, "--name", "Guests", "--wait")

    with urllib.request.urlopen(f"{url}/healthz", timeout=30) as answer:
        assert answer.status == 200
    assert f"The running server (process {server.pid}) carries it out." in left.stderr
    assert waited["state"] == "ready"
    states = {audience["name"]: audience["state"] for audience in ask("audiences", "list")["data"]}
    code, out, _ = end(server)
    assert (code, out, states["Customers"]) == (0, b"", "ready")


def test_no_command_tells_a_secret_or_a_customer(
    page: str, customer_list: str, audience: str, campaign: str, guestlist: Callable[..., Result], meta: Meta, empty_folder: Path
) -> None:
    hidden = [*meta.secrets, "guest7@example.com", "07911 123007", "447911123007"]
    ids = (("pages", page), ("lists", customer_list), ("audiences", audience), ("campaigns", campaign))
    commands = [(noun, "show", row_id) for noun, row_id in ids] + [
        (noun, "list") for noun in ("pages", "lists", "audiences", "subscribers", "campaigns", "events", "keys")
    ]
    commands += [
        ("audiences", "upload", audience, "--list", customer_list, *CONSENT),
        ("audiences", "list", "--remote", "--page", page),
        ("lists", "rejects", customer_list),
        ("campaigns", "recipients", campaign),
        ("config", "show"),
        ("doctor",),
    ]

    for words in commands:
        for flags in ((), ("--json",)):
            output = guestlist("--verbose", *words, *flags).output
            assert not [secret for secret in hidden if secret in output], words

    stored = b"".join(file.read_bytes() for file in (empty_folder / "guestlist-data").glob("guestlist.db*"))
    assert not [secret for secret in hidden if secret.encode() in stored]
