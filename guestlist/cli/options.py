"""Options that several commands share, so that one flag means one thing everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout for scripts; a problem is JSON on stderr.")]
Region = Annotated[
    str,
    typer.Option(metavar="XX", help="Country of numbers written without one: two letters, such as GB, US or DE."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything and say what would happen; change nothing, here or at Meta.")
]
PageId = Annotated[
    str, typer.Option("--page", metavar="PAGE", help="The Page: its id from `guestlist pages list`.", show_default=False)
]
Wait = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Do the work at Meta here and wait for it, or leave it to the server. Without either: wait where no server runs.",
        show_default=False,
    ),
]
Patience = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="Stop waiting after so long without progress; nothing is lost by it.")
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Print at most so many.")]
After = Annotated[
    str | None, typer.Option(metavar="ID", help="Print what follows this one: the `next` of the page before.", show_default=False)
]
