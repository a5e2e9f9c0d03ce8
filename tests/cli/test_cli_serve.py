"""`guestlist serve` and `guestlist worker` as a shell meets them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_meta import end

Start = Callable[..., subprocess.Popen[bytes]]
Refusal = Callable[..., tuple[int, dict[str, Any]]]


def ready(process: subprocess.Popen[bytes]) -> str:
    """The address a server tells once it answers."""
    assert process.stdout is not None
    return str(json.loads(process.stdout.readline())["url"])


def test_a_server_tells_its_address_answers_and_ends_on_sigterm(start: Start) -> None:
    server = start("serve", "--port", "0", "--json")
    url = ready(server)

    for path in ("/healthz", "/readyz", "/docs"):
        with urllib.request.urlopen(url + path, timeout=30) as answer:
            assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as unauthenticated:
        urllib.request.urlopen(f"{url}/v1/pages", timeout=30)
    unauthenticated.value.close()

    code, out, _ = end(server)
    assert (code, out, unauthenticated.value.code) == (0, b"", 401)


def test_the_sentence_for_people_is_talk(start: Start) -> None:
    server = start("serve", "--port", "0")
    assert server.stderr is not None
    line = next(line for line in server.stderr if b"answers on http://127.0.0.1:" in line)

    code, out, err = end(server, signal.SIGINT)

    assert b"/docs" in line
    assert (code, out, err.splitlines()[-1]) == (130, b"", b"Interrupted.")


def test_a_second_server_on_the_same_folder_is_refused_by_the_first_ones_id(start: Start, refusal: Refusal) -> None:
    first = start("serve", "--port", "0", "--json")
    ready(first)

    code, problem = refusal("serve", "--port", "0")

    assert (code, problem["code"]) == (6, "data_folder_in_use")
    assert str(first.pid) in problem["title"]
    assert end(first)[0] == 0


def test_after_a_kill_the_folder_is_free_again(start: Start) -> None:
    killed = start("serve", "--port", "0", "--json")
    ready(killed)
    killed.kill()
    killed.wait()

    second = start("serve", "--port", "0", "--json")

    assert ready(second).startswith("http://127.0.0.1:")
    assert end(second)[0] == 0


def test_a_taken_port_is_a_matter_of_configuration(refusal: Refusal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, problem = refusal("serve", "--port", str(taken.getsockname()[1]))

    assert (code, problem["code"]) == (3, "cannot_listen")
    assert "--port" in problem["detail"]


def test_a_data_folder_that_cannot_be_made_is_named(refusal: Refusal, empty_folder: Path) -> None:
    (empty_folder / "file").touch()

    code, problem = refusal("--data", "file/folder", "serve", "--port", "0")

    assert (code, problem["code"]) == (3, "no_data_folder")


def test_on_sqlite_a_worker_points_at_the_server(refusal: Refusal) -> None:
    code, problem = refusal("worker")

    assert (code, problem["code"]) == (3, "needs_postgresql")
    assert "guestlist serve" in problem["detail"]
    assert "DATABASE_URL" in problem["detail"]
