"""Options that several commands share, so that one flag means one thing everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout for scripts; a problem is JSON on stderr.")]
Region = Annotated[
    str,
    typer.Option(metavar="XX", help="Country of numbers written without one: two letters, such as GB, US or DE."),
]
