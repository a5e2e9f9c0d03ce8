"""`guestlist doctor`: is everything in order, and if not, what to do about it. The checks are in `doctor_checks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from guestlist.cli.options import Json
from guestlist.cli.output import plural, print_json, print_text
from guestlist.cli.state import run, state_of
from guestlist.errors import ConfigurationError, DependencyError
from guestlist.logging import configure_logging

if TYPE_CHECKING:
    from guestlist.actions.checkups import Finding

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}
STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check this installation and its connection to Meta, and say what to do about what is wrong. Changes nothing.

    Exits with 0 when nothing fails, with 3 when something here must be put right, with 8 when only something is down.
    """
    from guestlist.cli.doctor_checks import examine  # late: `--help` needs no database

    state = state_of(context)
    settings = state.settings
    configure_logging("debug" if state.verbose else "critical", as_json=settings.log_json)
    findings = run(lambda: examine(settings))
    code = exit_code(findings)
    if as_json:
        checks = [
            {"name": each.name, "state": each.health.value, "sentence": each.sentence, "remedy": each.remedy} for each in findings
        ]
        print_json({"ok": code == 0, "checks": checks})
    else:
        print_findings(findings)
    if code:
        raise typer.Exit(code)


def exit_code(findings: Sequence[Finding]) -> int:
    """0 when nothing fails, else whose fault it is."""
    failures = [each for each in findings if each.health.value == "fail"]
    if not failures:
        return 0
    return DependencyError.exit_code if all(each.foreign for each in failures) else ConfigurationError.exit_code


def print_findings(findings: Sequence[Finding]) -> None:
    """A line for each check, its remedy below it, and the sum."""
    for each in findings:
        mark = each.health.value
        print_text(f"{MARKS[mark]}  {each.name}: {each.sentence}", style="" if mark == "ok" else STYLES[mark])
        if each.remedy:
            print_text(f"      {each.remedy}")
    counts = {mark: sum(each.health.value == mark for each in findings) for mark in MARKS}
    print_text()
    if counts["fail"]:
        print_text(f"{plural(counts['fail'], 'check')} failed.", style=STYLES["fail"])
    elif counts["warn"]:
        print_text(f"It works; {plural(counts['warn'], 'thing')} to know.")
    else:
        print_text("Everything is in order.")
