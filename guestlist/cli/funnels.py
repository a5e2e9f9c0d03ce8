"""A campaign as a person sees it: what it is, and how far its message got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from guestlist.cli.output import count, plural, print_facts, print_table, print_text, when

if TYPE_CHECKING:
    from guestlist.storage.base import Row


def print_campaign(row: Row) -> None:
    """One campaign and what it waits for."""
    print_facts(
        {
            "Id": row["id"],
            "Campaign": row["name"],
            "Page": row["page_id"],
            "Meta's id": row["meta_id"],
            "State": row["state"],
            "Why": row["reason"],
            "What is needed": row["action"],
            "Can send from": when(row["ready_at"]),
            "Waits until": when(row["not_before"]),
            "Ends": when(row["expires_at"]),
            "Daily budget": row["daily_budget"],
            "Lifetime budget": row["lifetime_budget"],
            "Recipients": count(row["recipients"]) if row["launched_at"] is not None else "",
            "Launched": when(row["launched_at"]),
            "Finished": when(row["finished_at"]),
        }
    )


def print_funnel(funnel: Mapping[str, Any]) -> None:
    """The funnel, then the two sums that hold at every moment."""
    print_text()
    print_table(("Step", "People", "Which"), list_steps(funnel), right=("People",))
    failed = sum(funnel["failed"].values())
    parts = f"{count(funnel['accepted'])} accepted + {count(failed)} failed + {count(funnel['unknown'])} unknown"
    print_text()
    print_text(f"{plural(funnel['recipients'], 'recipient')} = {parts} + {count(funnel['pending'])} pending")
    excluded = sum(funnel["excluded"].values())
    subscribers = sum(funnel["subscribers"].values())
    print_text(f"{plural(subscribers, 'subscriber')} = {count(funnel['recipients'])} recipients + {count(excluded)} left out")


def list_steps(funnel: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each step with its number and what it is made of."""
    yield "Subscribers", count(sum(funnel["subscribers"].values())), tell_parts(funnel["subscribers"])
    if funnel["excluded"]:
        yield "Left out", count(sum(funnel["excluded"].values())), tell_parts(funnel["excluded"])
    yield "Recipients", count(funnel["recipients"]), ""
    yield "Pending", count(funnel["pending"]), ""
    yield "Accepted", count(funnel["accepted"]), ""
    for step in ("delivered", "read", "clicked"):
        yield step.capitalize(), count(funnel[step]), ""
    yield "Failed", count(sum(funnel["failed"].values())), tell_parts(funnel["failed"])
    yield "Unknown", count(funnel["unknown"]), "the answer was lost; never sent again blindly" if funnel["unknown"] else ""
    yield "Opted out", count(funnel["opted_out"]), "after this message" if funnel["opted_out"] else ""


def tell_parts(parts: Mapping[str, int]) -> str:
    """`40 ad, 12 list`: the largest first."""
    ordered = sorted(parts.items(), key=lambda part: (-part[1], part[0]))
    return ", ".join(f"{count(n)} {name}" for name, n in ordered if n)
