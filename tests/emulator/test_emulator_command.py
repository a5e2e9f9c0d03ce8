"""`python -m guestlist.emulator`."""

from __future__ import annotations

import asyncio
import signal
import sys

import aiohttp
import pytest

from guestlist.emulator.__main__ import build_parser, main


async def test_it_says_where_it_listens_and_stops_on_a_signal() -> None:
    command = [sys.executable, "-m", "guestlist.emulator", "--port", "0", "--seed", "3", "--speed", "60", "--organic", "5"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    first = (await process.stdout.readline()).decode().strip()
    assert first.startswith("listening on http://127.0.0.1:")
    async with aiohttp.ClientSession() as session:
        async with session.get(first.removeprefix("listening on ") + "/_emulator/state") as answer:
            state = await answer.json()
    assert (state["clock"]["speed"], state["pages"][0]["subscribers"]) == (60.0, 5)
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.wait(), 10)


@pytest.mark.parametrize(
    "arguments", [["--match-rate", "2"], ["--port", "x"], ["--start", "2026-01-01"], ["--speed", "-1"], ["--wat"]]
)
def test_wrong_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        build_parser().parse_args(arguments)
    assert left.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_an_address_that_cannot_be_bound_is_said_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--host", "192.0.2.1", "--port", "1"]) == 1
    assert "cannot listen on 192.0.2.1:1" in capsys.readouterr().err
