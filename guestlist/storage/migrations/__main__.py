"""Drafts a revision from the difference between `tables.py` and the revisions so far. For people who change the schema.

    python -m guestlist.storage.migrations "Add a colour to pages"     # the next revision
    python -m guestlist.storage.migrations --first                     # writes the first one anew (before the first release only)

Read the draft before committing it; `test_storage_migrations.py` compares all of them with `tables.py` on both databases.
There are no downgrades: the way back is the backup made before the upgrade.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from guestlist.storage.migrate import alembic_config, revisions

VERSIONS = Path(__file__).parent / "versions"
FIRST = "The tables of the first release"


def draft(sentence: str) -> Path:
    """Writes the revision file and gives its path."""
    number = f"{len(revisions()) + 1:04d}"
    with create_engine("sqlite://").connect() as connection:
        config = alembic_config(connection)
        command.upgrade(config, "head")
        command.revision(config, message=sentence.rstrip("."), autogenerate=True, rev_id=number)
    [path] = VERSIONS.glob(f"{number}_*.py")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("    # ###")))  # Alembic's own remarks
    ruff = Path(sys.executable).with_name("ruff")
    for task in ("format", "check"):
        subprocess.run([ruff, task, "--quiet", path], check=True)  # noqa: S603 - our own tool on our own file
    return path


def main(arguments: list[str]) -> None:
    """The command line."""
    if arguments == ["--first"]:
        for path in VERSIONS.glob("0001_*.py"):
            path.unlink()
        sentence = FIRST
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        [sentence] = arguments
    else:
        sys.exit(__doc__)
    print(draft(sentence))


if __name__ == "__main__":
    main(sys.argv[1:])
