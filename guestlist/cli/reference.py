"""The reference page of the commands, made from the commands: `python -m guestlist.cli.reference > docs/reference/cli.md`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from guestlist.cli.main import PROGRAM, app

EXIT_CODES = {
    0: "ok",
    1: "unexpected",
    2: "usage",
    3: "configuration",
    4: "not allowed",
    5: "not found",
    6: "refused by policy or state",
    7: "partly done: the work stopped before its end and can be resumed",
    8: "a dependency is down: Graph, the database, the disk",
    130: "interrupted",
}
LEFT_OUT = {"help", "install_completion", "show_completion"}


def reference_page() -> Iterator[str]:
    """The lines of docs/reference/cli.md."""
    root = get_command(app)
    yield "# Commands"
    yield ""
    yield "Made from the code by `python -m guestlist.cli.reference`; do not edit."
    yield ""
    yield "`guestlist NOUN VERB`. Data goes to stdout, talk to stderr. With `--json` the data is JSON, in the shapes of the"
    yield "[HTTP API](http-api.md), and a problem is one JSON object on stderr. Ids are printed so that the next command can use"
    yield "them. Commands work with and without a server: they share its database, and what must be done at Meta is done by the"
    yield "server, or, where none runs, by the command itself until what was asked for is settled (`--wait`, `--no-wait`)."
    yield ""
    yield f"Completion for your shell: `{PROGRAM} --install-completion`."
    yield ""
    yield "| Exit code | Meaning |"
    yield "|---|---|"
    for code, meaning in EXIT_CODES.items():
        yield f"| {code} | {meaning} |"
    yield ""
    yield "These flags stand before the noun:"
    yield ""
    yield from list_options(root)
    for path, command in walk(root):
        yield ""
        yield from describe(path, command)


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below, groups before their commands, by name."""
    for name, child in sorted(getattr(command, "commands", {}).items()):
        yield (*path, name), child
        yield from walk(child, (*path, name))


def describe(path: tuple[str, ...], command: Any) -> Iterator[str]:
    """The section of one command or group."""
    is_group = hasattr(command, "commands")
    yield f"{'##' if len(path) == 1 else '###'} {' '.join(path)}"
    yield ""
    yield from inspect.cleandoc(command.help or "").splitlines()
    if is_group:
        return
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    yield ""
    yield f"    {' '.join([PROGRAM, *path, *map(value_of, arguments)])} [OPTIONS]"
    yield ""
    yield from list_options(command)


def list_options(command: Any) -> Iterator[str]:
    """The table of a command's arguments and options."""
    params = [param for param in command.params if param.name not in LEFT_OUT]
    yield "| Argument or option | Default | What it does |"
    yield "|---|---|---|"
    for param in params:
        yield f"| {spell(param)} | {default_of(param)} | {param.help} |".replace("|  |", "| |")


def spell(param: Any) -> str:
    """`--page PAGE` or `FILE`, as code; alternatives apart."""
    if param.param_type_name == "argument":
        return f"`{value_of(param)}`"
    names = [*param.opts, *param.secondary_opts]
    return ", ".join(f"`{name}`" if param.is_flag else f"`{name} {value_of(param)}`" for name in names)


def value_of(param: Any) -> str:
    """What stands for a value: its metavar, else what its name says."""
    return str(param.metavar or param.name.upper())


def default_of(param: Any) -> str:
    """What holds without it."""
    if param.required:
        return "needed"
    if param.multiple:
        return "may be repeated"
    no_default = param.default is None or param.default is False or str(param.default) == ""
    return "" if no_default else f"`{param.default}`"


if __name__ == "__main__":
    print("\n".join(reference_page()))
