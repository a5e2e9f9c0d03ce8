"""The demo as a person reads it: what became of the list while it is uploaded, then the funnel with its reasons and sums."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from guestlist.cli.advice import heading, used_for
from guestlist.cli.funnels import tell_parts
from guestlist.cli.output import count, plural, print_table, print_text

if TYPE_CHECKING:
    from guestlist.cli.demo_run import Numbers

EXAMPLES = 6
CHANGES_A_KEY = 2
CHANGES = 10

OUR_REASONS = {
    "late_failure": "Meta accepted it first and reported the failure by webhook.",
    "expired": "The campaign ended before their turn.",
    "token_expired": "The subscription token has expired.",
    "stopped": "The campaign was stopped before their turn.",
    "opted_out": "The person stopped messages from this Page.",
}
"""Why we count somebody as failed or excluded, where it is not Graph's table that says so."""


def print_list(numbers: Numbers) -> None:
    """What was mapped, normalised and rejected, and why."""
    report = numbers.report
    rejected = sum(report["rejected"].values())
    print_text()
    print_text(
        f"{plural(report['rows'], 'row')}, {count(report['usable'])} usable, {plural(report['duplicates'], 'duplicate')}, "
        f"{count(rejected)} rejected.",
        style="bold",
    )
    heading("Columns")
    print_table(
        ("Column", "Used for", "Why"), [(m["name"], used_for(m["key"], m["certainty"]), m["reason"]) for m in report["mapping"]]
    )
    changes = list(list_changes(report["preview"]))
    if changes:
        heading("Values that were put right, for example (masked)")
        print_table(("Row", "Key", "In the file", "Becomes", "Hash"), changes, right=("Row",))
    print_losses("Rows that are lost", report["rejected"], noun="Rows")
    print_losses("Values left out; their rows are kept", report["dropped_cells"], noun="Values")
    if numbers.rejects:
        heading("What to do about them, for example (values masked)")
        rejects = [(r["row"], r["column"], r["value"], r["remedy"]) for r in choose_examples(numbers.rejects)]
        print_table(("Row", "Column", "Value", "What to do"), rejects, right=("Row",))
    if report["warnings"]:
        heading("Worth knowing")
        for warning in report["warnings"]:
            print_text(f"- {warning}")
    print_text()


def list_changes(preview: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, str, str]]:
    """Cells that normalisation changed visibly, a few of each key; rows without problems first."""
    seen: Counter[str] = Counter()
    for row in sorted(preview, key=lambda row: bool(row["codes"])):
        for key, (raw, normalised, digest) in row["cells"].items():
            if raw.lower() != normalised and seen[key] < CHANGES_A_KEY and seen.total() < CHANGES:
                seen[key] += 1
                yield str(row["row"]), key, raw, normalised, digest


def print_losses(title: str, losses: Mapping[str, int], *, noun: str) -> None:
    """Losses by code with the reason, the largest first."""
    from guestlist.lists.rejects import REGISTRY

    if losses:
        heading(f"{title}: {count(sum(losses.values()))}")
        print_table(
            (noun, "Code", "Why"), [(count(n), code, REGISTRY[code].meaning) for code, n in ordered(losses)], right=(noun,)
        )


def choose_examples(rejects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One reject of each code, in file order."""
    first = {reject["code"]: reject for reject in reversed(rejects)}
    return sorted(first.values(), key=lambda reject: int(reject["row"]))[:EXAMPLES]


def print_story(numbers: Numbers, *, own_list: bool) -> None:
    """The funnel, why people fell out of it, the sums, and what of it is pretended."""
    from guestlist.cli.demo_run import wrong_sums

    document = numbers.document()
    heading("Funnel")
    print_table(("Step", "Count", "Which"), funnel_rows(document), right=("Count",))
    print_reasons("Left out before sending", document["excluded"])
    print_reasons("Failed", document["failed"])
    if not document["subscribers"].get("list"):
        heading("Nobody of the list can be messaged yet")
        print_text(numbers.audience["reachability"]["sentence"])
        print_text(
            "At the usual 20 to 70 % it takes 150 to 500 usable rows. The subscribers above came to the Page by other ways."
        )
    print_sums(document)
    if numbers.messages:
        print_messages(numbers.messages)
    heading("What of this is pretended")
    print_text(
        "The emulator stood in for Meta, and its people are invented: whether somebody stands behind a hash, reads or clicks "
        "says nothing about real customers. How the list was read, and the way of every request, are real."
    )
    expected = numbers.report.get("expected_match")
    if own_list and expected:
        print_text(f"With Meta, expect {count(expected['lower'])} to {count(expected['upper'])} matches. {expected['grounds']}")
    heading("Next")
    if not own_list:
        program = "guestlist" if shutil.which("guestlist") else sys.argv[0]  # as it was called: mostly .venv/bin/guestlist
        print_text(f"Your own file:  {program} demo --list customers.csv --region GB")
    print_text("The real thing: docs/how-to/first-campaign.md")
    print_text()
    verdict = "Some totals do not add up" if wrong_sums(document) else "Everything adds up"
    print_text(f"{verdict}; it took {document['seconds']} s.")


def print_messages(messages: Mapping[str, Any]) -> None:
    """The timeline of the message that went on to SMS, and the chat."""
    fallback, chat = messages["fallback"], messages["chat"]
    heading(f"One message, two channels: {fallback['state']} by {fallback['channel']}")
    steps = [(each["channel"] or "", each["code"] or "", each["sentence"]) for each in fallback["timeline"]]
    print_table(("Channel", "Code", "What happened"), steps)
    heading(f"A chat on Messenger: our answer was {chat['state']}")
    names = {"person": "Jonas", "page": "Northwind Coffee"}
    print_table(("Who", "Said"), [(names[line["by"]], line["text"]) for line in chat["said"]])


def funnel_rows(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """The funnel line by line: step, number, what stands beside it."""
    matched = document["matched"]
    unknown = "the answer was lost; never sent again blindly" if document["unknown"] else ""
    return [
        ("Rows", count(document["rows"]), "of the file"),
        ("Usable", count(document["usable"]), "with an e-mail address or a phone number"),
        ("Uploaded", count(document["uploaded"]), "as hashes made on this machine"),
        ("Matched", f"{count(matched['lower'])}-{count(matched['upper'])}", "people; Meta tells a range and names no rows"),
        ("Subscribers", count(sum(document["subscribers"].values())), tell_parts(document["subscribers"])),
        ("Recipients", count(document["recipients"]), "of the campaign"),
        ("Accepted", count(document["accepted"]), "by Meta; what follows was learned by webhook"),
        ("Delivered", count(document["delivered"]), ""),
        ("Read", count(document["read"]), ""),
        ("Clicked", count(document["clicked"]), ""),
        ("Opted out", count(document["opted_out"]), "after this message" if document["opted_out"] else ""),
        ("Unknown", count(document["unknown"]), unknown),
        ("Pending", count(document["pending"]), "nothing has moved for a while" if document["pending"] else ""),
    ]


def print_reasons(title: str, counts: Mapping[str, int]) -> None:
    """People by reason, with a sentence for each."""
    from guestlist.graph.error_table import TABLE

    if counts:
        sentences = {entry.reason: entry.sentence for entry in TABLE if entry.reason} | OUR_REASONS
        heading(f"{title}: {count(sum(counts.values()))}")
        print_table(
            ("People", "Code", "Why"),
            [(count(n), code, sentences.get(code, "")) for code, n in ordered(counts)],
            right=("People",),
        )


def print_sums(document: Mapping[str, Any]) -> None:
    """The three sums that hold at every moment."""
    rejected, failed, excluded = (count(sum(document[name].values())) for name in ("rejected", "failed", "excluded"))
    number = {
        name: count(document[name]) for name in ("rows", "usable", "duplicates", "recipients", "accepted", "unknown", "pending")
    }
    heading("Sums")
    print_text(f"{number['rows']} rows = {number['usable']} usable + {number['duplicates']} duplicates + {rejected} rejected")
    print_text(
        f"{count(sum(document['subscribers'].values()))} subscribers = {number['recipients']} recipients + {excluded} left out"
    )
    print_text(
        f"{number['recipients']} recipients = {number['accepted']} accepted + {failed} failed + {number['unknown']} unknown "
        f"+ {number['pending']} pending"
    )


def ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The largest first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
