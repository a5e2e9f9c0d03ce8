"""The `guestlist` program as a shell meets it: real processes, real pipes, real signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "guestlist"]


def run(*words: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    """Runs the program to its end."""
    return subprocess.run([*PROGRAM, *words], capture_output=True, timeout=60, check=False, **options)  # type: ignore[call-overload]


def test_data_and_talk_come_on_their_own_streams() -> None:
    ended = run("config", "show", "--json")

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads(ended.stdout)["port"]["value"] == 8080


def test_the_installed_script_is_the_same_program() -> None:
    script = Path(sys.executable).with_name("guestlist")

    ended = subprocess.run([script, "version", "--json"], capture_output=True, timeout=60, check=False)

    assert ended.stdout == run("version", "--json").stdout


def test_an_error_leaves_stdout_empty() -> None:
    ended = run("config", "show", "--json", env=os.environ | {"GUESTLIST_POTR": "1"})

    assert (ended.returncode, ended.stdout) == (3, b"")
    assert json.loads(ended.stderr)["detail"] == "Did you mean GUESTLIST_PORT?"


@pytest.mark.parametrize("words", [("config", "show"), ("config", "show", "--json"), ("version",), ("--help",)])
def test_a_reader_that_has_gone_ends_it_quietly(words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    ended = subprocess.run([*PROGRAM, *words], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)

    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_terminal_that_lacks_letters_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "guestlist.toml").write_text('host = "käse"')

    ended = run("config", "show", env=os.environ | {"PYTHONIOENCODING": "ascii"}, cwd=tmp_path)

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"k?se" in ended.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [("--out", "/dev/full"), ("--rejects", "/dev/full"), ()])
def test_a_full_disk_exits_with_8_and_the_way_out(words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("email\nann@example.com\nbroken\n")

    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*PROGRAM, "lists", "hash", str(tmp_path / "a.csv"), "--region", "GB", *words],
            stdout=subprocess.DEVNULL if words else full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )

    assert ended.returncode == 8
    assert b"disk is full" in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_ctrl_c_exits_with_130_and_no_traceback(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("lists", "check", "-", "--region", "GB")
    assert process.stdin is not None
    process.stdin.write(b"email\n" * 100_000)  # more than a pipe holds: once it is written, the program is reading
    process.stdin.flush()

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, b"")
    assert err == b"Interrupted.\n"


def test_the_emulator_tells_its_address_and_ends_on_ctrl_c(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    process = start("emulator", "--port", "0", "--seed", "7", "--json")
    assert process.stdout is not None
    address = json.loads(b"".join(process.stdout.readline() for _ in range(4)))

    with urllib.request.urlopen(address["control"], timeout=30) as answer:
        status = answer.status
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert status == 200
    assert (process.returncode, json.loads(err)["code"]) == (130, "interrupted")


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("emulator", "--port", port)

    assert (ended.returncode, ended.stdout) == (3, b"")
    assert f"127.0.0.1:{port}".encode() in ended.stderr
    assert b"--port" in ended.stderr
