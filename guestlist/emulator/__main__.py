"""`python -m guestlist.emulator`: runs one emulator until it is interrupted."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from dataclasses import fields
from datetime import datetime

from .config import EmulatorConfig
from .server import run


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError("must be between 0 and 1")
    return value


def _amount(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError("must be a number of at least 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError("must be at least 0")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("must carry an offset, such as 2026-07-01T09:00:00+00:00")
    return moment


def build_parser() -> argparse.ArgumentParser:
    """The command line; every option has the name of its setting."""
    default = EmulatorConfig()
    parser = argparse.ArgumentParser(prog="python -m guestlist.emulator", description="A stand-in for graph.facebook.com.")
    add = parser.add_argument
    add("--host", default=default.host, help="address to listen on (%(default)s)")
    add("--port", type=_count, default=default.port, help="port, 0 for any free one (%(default)s)")
    add("--seed", type=int, default=default.seed, help="another seed is another crowd (%(default)s)")
    add("--match-rate", type=_share, default=default.match_rate, help="share of digests with a person behind (%(default)s)")
    add("--speed", type=_amount, default=default.speed, help="emulated seconds in a real second (%(default)s)")
    add("--start", type=_moment, default=None, help="what the clock shows at the start, ISO 8601 (now)")
    add("--latency", type=_amount, default=default.latency, help="seconds every answer waits (%(default)s)")
    add("--rate", type=_count, default=default.rate, help="marketing sends a second and Page, 0 = no limit (%(default)s)")
    add("--organic", type=_count, default=default.organic, help="subscribers every Page starts with (%(default)s)")
    add("--threshold", type=_count, default=default.threshold, help="matched people below which tokens stay hidden (%(default)s)")
    add("--matching-seconds", type=_amount, default=default.matching_seconds, help="emulated time to match a batch (%(default)s)")
    add("--warm-up-seconds", type=_amount, default=default.warm_up_seconds, help="emulated warm-up of a campaign (%(default)s)")
    add("--until-stdin-closes", action="store_true", help="end when standard input does, as when who started it has died")
    add("--require-proof", action="store_true", help="refuse calls without appsecret_proof")
    return parser


def _end_with_stdin() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 after an interrupt, 1 when the address cannot be bound, 2 for a wrong option."""
    given = vars(build_parser().parse_args(arguments))
    names = {one.name for one in fields(EmulatorConfig)}
    config = EmulatorConfig(**{name: value for name, value in given.items() if name in names})
    if given["until_stdin_closes"]:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        run(config)
    except OSError as error:
        print(f"cannot listen on {config.host}:{config.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
