"""The command line: `guestlist NOUN VERB`. One file per noun in this folder; each registers a Typer app here.

A command gives its answer on stdout through `output`, raises a `GuestlistError` when it cannot, and never prints an error
itself: `Root` is the one place that turns errors into words and exit codes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from guestlist.cli import (
    accounts,
    campaigns,
    config,
    contacts,
    demo,
    doctor,
    emulator,
    endpoints,
    events,
    keys,
    list_mappings,
    lists,
    messages,
    pages,
    serve,
    stored_lists,
    subscribers,
    uploads,
    version,
)
from guestlist.cli.output import print_text
from guestlist.cli.problems import INTERRUPTED, READER_GONE, report
from guestlist.cli.state import State

PROGRAM = "guestlist"


class Root(TyperGroup):
    """The root of all commands: catches broadly, answers with one exit code."""

    def main(  # type: ignore[override]  # Typer's five options are passed on untouched
        self, args: Sequence[str] | None = None, **options: Any
    ) -> NoReturn:
        """Runs the command line and exits. Runs inside tests as it does in a shell."""
        words = list(sys.argv[1:] if args is None else args)
        hide_flag_types(self)
        flags = set(words[: words.index("--")] if "--" in words else words)
        try:
            code = super().main(words, **options | {"standalone_mode": False}) or 0
            sys.stdout.flush()
            if code == INTERRUPTED:  # how Typer tells a Ctrl-C
                raise KeyboardInterrupt
        except BaseException as error:
            if isinstance(error, SystemExit) and not isinstance(error.__context__, BrokenPipeError):
                raise  # completion; Rich and Typer also exit, with 1, when a pipe is closed
            code = report(error, as_json="--json" in flags, verbose=bool(flags & {"--verbose", "-v"}))
        if code == READER_GONE:
            mute_stdout()
        sys.exit(code)


def hide_flag_types(command: Any) -> None:
    """Keeps `<bool>` out of the help: a flag takes no value. Typer has no switch for that."""
    for param in (*command.params, command.get_help_option(typer.Context(command))):
        if getattr(param, "is_flag", False) and param.metavar is None:
            param.metavar = ""
    for child in getattr(command, "commands", {}).values():
        hide_flag_types(child)


def mute_stdout() -> None:
    """Sends what is left in the buffer nowhere, so that Python does not complain about the closed pipe at its end."""
    with suppress(UnsupportedOperation):  # a stdout that is no file has nobody to complain to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    cls=Root,
    name=PROGRAM,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Turns a customer list into consented Messenger subscribers, and messages them.",
    epilog="Exit codes: 0 ok, 1 unexpected, 2 usage, 3 configuration, 4 not allowed, 5 not found, 6 refused, 7 partly done, "
    "8 a dependency is down, 130 interrupted.",
)
app.command("demo")(demo.demo)
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("doctor")(doctor.doctor)
# `stored_lists` adds to the commands of `lists`, `uploads` to those of `audiences`.
for noun in (pages, accounts, stored_lists, uploads, subscribers, campaigns, contacts, messages, keys, endpoints, events, config):
    app.add_typer(noun.app)
lists.app.command("mappings")(list_mappings.mappings)
lists.app.command("forget-mapping")(list_mappings.forget_mapping)
app.command("emulator")(emulator.emulator)
app.command("version")(version.version)


def print_version(wanted: bool) -> None:
    """`--version`, as other tools have it."""
    if wanted:
        print_text(f"{PROGRAM} {version.installed_version()}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="The data folder. Default: ./guestlist-data.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="The settings file. Default: ./guestlist.toml.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more on stderr: log lines, error codes, where an error came from.")
    ] = False,
    _: Annotated[bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Turns a customer list into consented Messenger subscribers, and messages them."""
    context.obj = State(data=data, config=config, verbose=verbose)


def main() -> NoReturn:
    """The entry point of the `guestlist` script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter is no reason to fail
    app(prog_name=PROGRAM)
    raise SystemExit  # not reached: the root always exits
