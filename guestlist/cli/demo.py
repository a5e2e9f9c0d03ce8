"""`guestlist demo`: the whole main job on this machine, with nothing but a customer file. How it is told is in `demo_story`."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.demo_story import print_list, print_story
from guestlist.cli.list_files import open_list
from guestlist.cli.options import Json
from guestlist.cli.output import print_json, progress, say
from guestlist.cli.state import State, run, state_of
from guestlist.errors import GuestlistError, ListError, UsageError
from guestlist.lists.base import ListOptions
from guestlist.lists.sample import SAMPLE_FILE, SAMPLE_REGION
from guestlist.logging import configure_logging

if TYPE_CHECKING:
    from guestlist.cli.demo_run import Stage


def demo(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Your own customer file instead of the sample. Needs --region."),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(metavar="XX", help="Country of numbers written without one: two letters, such as GB, US or DE."),
    ] = None,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave server and emulator running until Ctrl-C, and keep the data (in --data, if given)."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Turn a customer list into subscribers and message them, against a built-in emulator. Nothing leaves this machine.

    Example: `guestlist demo --list customers.csv --region GB`
    """
    if file is not None and region is None:
        raise UsageError(
            "--list needs --region, the country of its national phone numbers.",
            code="no_region",
            remedy="Add two letters, such as --region GB, US or DE.",
        )
    state = state_of(context)
    chosen, country = file or SAMPLE_FILE, (region or SAMPLE_REGION).strip().upper()
    check_list(chosen, country, state.settings.list_max_bytes)
    run(lambda: _show(state, chosen, country, keep=keep, as_json=as_json))


def check_list(file: Path, region: str, max_bytes: int) -> None:
    """Refuses before anything is started what could not be read anyway. Errors: ListError."""
    from guestlist.lists.engine import FileListEngine  # late: phone tables are not loaded for `--help`

    try:
        with open_list(file, max_bytes) as source:
            FileListEngine().prepare(source, ListOptions(region=region), filename=file.name)
    except ListError as error:
        if "--" in error.remedy:  # flags that the demo lacks
            error.remedy = (
                f"See how it is read: guestlist lists check {file} --region {region} (takes --delimiter, --map and more)"
            )
        raise


async def _show(state: State, file: Path, region: str, *, keep: bool, as_json: bool) -> None:
    from guestlist.cli.demo_messages import send_messages  # late: the server is not loaded for `--help`
    from guestlist.cli.demo_run import play, set_stage, wrong_sums

    configure_logging("warning")
    if sys.platform != "win32":  # SIGTERM ends it as Ctrl-C does: the emulator with it, and the temporary data
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    with data_folder(state, keep=keep) as data:
        async with set_stage(data) as stage:
            told = (lambda numbers: None) if as_json else print_list
            numbers = await play(stage, file, region, say=say, track=partial(progress, noun="done"), tell_list=told)
            began = time.monotonic()
            numbers.messages = await send_messages(stage, say)
            numbers.seconds += time.monotonic() - began
            if as_json:
                print_json(numbers.document())
            else:
                print_story(numbers, own_list=file != SAMPLE_FILE)
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

    say("")
    say(f"Server:   {stage.server_url}   (API reference: /docs)")
    say(f"Emulator: {stage.emulator_url}/_emulator   (state, faults, clock)")
    say(f"Data:     {stage.app.settings.data}")
    say(f"Look in:  guestlist --data {stage.app.settings.data} campaigns list")
    say("Ctrl-C ends server and emulator; the data stays.")
    await asyncio.shield(stop_asked())
