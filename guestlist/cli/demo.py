"""`guestlist demo`: the whole main job on this machine, with nothing but a customer file."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guestlist.cli.options import Json
from guestlist.cli.output import count, print_json, print_table, print_text, progress, say
from guestlist.cli.state import State, run, state_of
from guestlist.errors import GuestlistError, UsageError
from guestlist.lists.sample import SAMPLE_FILE, SAMPLE_REGION
from guestlist.logging import configure_logging

if TYPE_CHECKING:
    from guestlist.cli.demo_run import Numbers, Stage


def demo(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="Your own customer file instead of the sample.")
    ] = None,
    region: Annotated[str | None, typer.Option(metavar="XX", help="The country of the file's national phone numbers.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave server and emulator running until Ctrl-C; keep the data.")] = False,
    as_json: Json = False,
) -> None:
    """Turn a customer list into subscribers and message them, against a built-in emulator. Nothing leaves this machine.

    Example: `guestlist demo --list customers.csv --region GB`
    """
    if file is not None and region is None:
        raise UsageError(
            "--list needs --region, the country of its national phone numbers.", code="no_region", remedy="--region GB"
        )
    if file is not None and not file.is_file():
        raise UsageError(f"There is no file {file}.", code="no_file", remedy="Check the path.")
    chosen, country = file or SAMPLE_FILE, (region or SAMPLE_REGION).upper()
    run(lambda: _show(state_of(context), chosen, country, keep=keep, as_json=as_json))


async def _show(state: State, file: Path, region: str, *, keep: bool, as_json: bool) -> None:
    from guestlist.cli.demo_run import play, set_stage, wrong_sums  # late: the server is not loaded for `--help`

    configure_logging("warning")
    with data_folder(state, keep=keep) as data:
        async with set_stage(data) as stage:
            numbers = await play(stage, file, region, say=say, track=partial(progress, noun="done"))
            if as_json:
                print_json(numbers.document())
            else:
                print_story(numbers)
            wrong = wrong_sums(numbers.document())
            if wrong:
                raise GuestlistError(
                    f"Totals do not add up: {'; '.join(wrong)}.", remedy="This is a fault of Guestlist: report it."
                )
            if keep:
                await stay(stage)


@contextmanager
def data_folder(state: State, *, keep: bool) -> Iterator[Path]:
    """A temporary data folder, or with `--keep` the one that was named."""
    if keep:
        yield (state.data or Path(tempfile.mkdtemp(prefix="guestlist-demo-"))).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="guestlist-demo-") as folder:
        yield Path(folder)


async def stay(stage: Stage) -> None:
    """Keeps everything up until Ctrl-C."""
    from guestlist.serving import stop_asked

    say(f"Server:   {stage.server_url}   (API reference under /docs)")
    say(f"Emulator: {stage.emulator_url}/_emulator")
    say(f"Data:     {stage.app.settings.data}")
    say("Ctrl-C ends both.")
    await asyncio.shield(stop_asked())


def print_story(numbers: Numbers) -> None:
    """What happened, for a person: mapping, rejects, funnel, reasons."""
    from guestlist.cli.demo_run import wrong_sums

    report, document = numbers.report, numbers.document()
    print_text()
    print_text("Columns", style="bold")
    print_table(
        ("column", "used as", "", "why"), [(m["name"], m["key"] or "-", m["certainty"], m["reason"]) for m in report["mapping"]]
    )
    if report["rejected"] or report["dropped_cells"]:
        print_text()
        print_text("Rejected rows and dropped cells", style="bold")
        codes = [(code, count(n), "row lost") for code, n in sorted(report["rejected"].items())]
        codes += [(code, count(n), "cell dropped, row kept") for code, n in sorted(report["dropped_cells"].items())]
        print_table(("code", "count", "effect"), codes, right=("count",))
        print_text("For example:")
        print_table(
            ("row", "column", "code", "value", "what to do"),
            [(r["row"], r["column"], r["code"], r["value"], r["remedy"]) for r in numbers.rejects[:5]],
            right=("row",),
        )
    print_text()
    print_text("Funnel", style="bold")
    print_table(("step", "count", ""), funnel_rows(document), right=("count",))
    print_text()
    verdict = "Some totals do not add up" if wrong_sums(document) else "Everything adds up"
    print_text(f"{verdict}; it took {document['seconds']} s.")


def funnel_rows(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The funnel line by line: step, number, what stands beside it."""
    lost = reasons({**document["rejected"], "duplicate": document["duplicates"]})
    matched = document["matched"]
    return [
        ("rows", count(document["rows"]), ""),
        ("usable", count(document["usable"]), f"left out: {lost}" if lost else ""),
        ("uploaded", count(document["uploaded"]), "hashed on this machine"),
        ("matched", f"{count(matched['lower'])}-{count(matched['upper'])}", "Meta's own range; it names no rows"),
        ("subscribers", count(sum(document["subscribers"].values())), reasons(document["subscribers"])),
        (
            "recipients",
            count(document["recipients"]),
            f"excluded: {reasons(document['excluded'])}" if document["excluded"] else "",
        ),
        ("accepted", count(document["accepted"]), f"failed: {reasons(document['failed'])}" if document["failed"] else ""),
        ("delivered", count(document["delivered"]), ""),
        ("read", count(document["read"]), ""),
        ("clicked", count(document["clicked"]), ""),
        ("opted out", count(document["opted_out"]), "by what they did after this campaign"),
        ("unknown", count(document["unknown"]), "answer lost: never sent again, settled by receipts"),
        ("pending", count(document["pending"]), ""),
    ]


def reasons(counts: dict[str, int]) -> str:
    """`12 opted_out, 3 throttled`, most first."""
    return ", ".join(f"{count(n)} {code}" for code, n in sorted(counts.items(), key=lambda item: -item[1]) if n)
