"""The documentation keeps up: commands it shows exist, links lead somewhere, every decision is listed."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from guestlist.cli.main import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
COMMAND = re.compile(r"^\s*\$ (?:\.venv/bin/)?guestlist ((?:.*\\\n)*.+)$", re.MULTILINE)
MADE = re.compile(r"`python -m guestlist\.([a-z._]+)(?: > [^`]+)?`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def shown_commands():
    for page in PAGES:
        for match in COMMAND.finditer(page.read_text(encoding="utf-8")):
            yield pytest.param(shlex.split(match[1].replace("\\\n", " "), comments=True), id=f"{page.name}: {match[1][:50]}")


@pytest.mark.parametrize("words", list(shown_commands()))
def test_a_shown_command_exists_with_its_options(words):
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_every_decision_is_listed():
    index = (ROOT / "docs" / "adr" / "index.md").read_text(encoding="utf-8")
    assert [path.name for path in sorted((ROOT / "docs" / "adr").glob("0*.md")) if path.name not in index] == []


def test_every_page_that_is_made_from_the_code_is_made_by_one_command():
    made = {}
    for page in sorted((ROOT / "docs" / "reference").glob("*.md")):
        if found := MADE.search(" ".join(page.read_text(encoding="utf-8")[:500].split())):
            made[page.stem] = found[1]
    listed = re.search(r"^PAGES := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert listed is not None
    assert dict(each.split("=") for each in listed[1].replace("\\\n", " ").split()) == made
    assert "`make pages`" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not page.startswith("adr/0") and page not in navigation} == set()
