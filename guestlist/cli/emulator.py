"""`guestlist emulator`: a stand-in for graph.facebook.com on this machine."""

from __future__ import annotations

import errno
import socket
from datetime import UTC, datetime
from typing import Annotated

import typer

from guestlist.cli.options import Json
from guestlist.cli.output import print_json, print_text, say
from guestlist.cli.state import run
from guestlist.errors import ConfigurationError, UsageError

CANNOT_LISTEN = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}


def emulator(
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="The port to listen on; 0 picks a free one.")
    ] = 8090,
    seed: Annotated[int, typer.Option(metavar="N", help="Which crowd of people: the same number is always the same crowd.")] = 1,
    speed: Annotated[float, typer.Option(metavar="N", min=0, help="Emulated seconds in a real second.")] = 1.0,
    start: Annotated[
        str | None, typer.Option(metavar="ISO", help="What its clock shows at first, UTC where no offset is given. Default: now.")
    ] = None,
    match_rate: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Share of e-mails and phones with a person behind them.")
    ] = 0.55,
    latency: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long every answer waits.")] = 0.0,
    rate: Annotated[int, typer.Option(metavar="N", min=0, help="Marketing messages a second and Page; 0 for no limit.")] = 300,
    organic: Annotated[int, typer.Option(metavar="N", min=0, help="Subscribers each Page has before any list is uploaded.")] = 40,
    threshold: Annotated[
        int, typer.Option(metavar="N", min=0, help="Matched people below which an audience shows no tokens.")
    ] = 100,
    matching_seconds: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Emulated time until a batch is matched.")
    ] = 120.0,
    warm_up_seconds: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="Emulated time until a new campaign can send.")
    ] = 3600.0,
    require_proof: Annotated[bool, typer.Option("--require-proof", help="Refuse calls without appsecret_proof.")] = False,
    as_json: Json = False,
) -> None:
    """Run a stand-in for Meta's Graph API, with a crowd of pretend people, until Ctrl-C.

    Point any Graph client at the address it prints. Ids and tokens, state, faults and clock are under /_emulator. Nothing
    is kept when it ends.

    Example: `guestlist emulator --speed 3600 --latency 0.1`
    """
    from guestlist.emulator.config import EmulatorConfig
    from guestlist.emulator.server import serve  # late: the server is not loaded for `--help`

    config = EmulatorConfig(
        host=host,
        port=port,
        seed=seed,
        speed=speed,
        start=parse_start(start) if start else None,
        match_rate=match_rate,
        latency=latency,
        rate=rate,
        organic=organic,
        threshold=threshold,
        matching_seconds=matching_seconds,
        warm_up_seconds=warm_up_seconds,
        require_proof=require_proof,
    )
    try:
        run(lambda: serve(config, announce_json if as_json else announce))
    except OSError as error:
        if error.errno not in CANNOT_LISTEN and not isinstance(error, socket.gaierror):
            raise
        sentence = f"Cannot listen on {host}:{port}: {error.strerror}."
        raise ConfigurationError(
            sentence, code="cannot_listen", remedy="Choose another --host or --port; 0 is a free one."
        ) from error


def parse_start(text: str) -> datetime:
    """An instant; UTC where no offset is given. Errors: UsageError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--start {text!r} is no instant.", remedy="Write 2026-12-24T18:00:00+01:00, or 2026-12-24.") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def announce(url: str) -> None:
    """The address on stdout as the first line, for scripts that wait for it; talk on stderr."""
    print_text(f"listening on {url}")
    say(f"State, faults and clock: {url}/_emulator. Ctrl-C ends it.")


def announce_json(url: str) -> None:
    """The addresses as one document."""
    print_json({"url": url, "control": f"{url}/_emulator"})
