"""docs/reference/cli.md is what the commands say of themselves."""

from __future__ import annotations

from pathlib import Path

from guestlist import errors
from guestlist.cli.reference import EXIT_CODES, reference_page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_reference_page_is_current() -> None:
    assert PAGE.read_text() == "\n".join(reference_page()) + "\n", "python -m guestlist.cli.reference > docs/reference/cli.md"


def test_every_exit_code_of_the_error_tree_is_explained() -> None:
    kinds = [errors.GuestlistError]
    for kind in kinds:
        kinds += kind.__subclasses__()

    assert {kind.exit_code for kind in kinds} <= set(EXIT_CODES)


def test_every_command_has_its_section() -> None:
    lines = set(reference_page())

    assert {"### pages connect", "### lists import", "### audiences upload", "## serve", "## doctor"} <= lines
    assert any(line.startswith("| `--list LIST` | needed | The customer list") for line in lines)
