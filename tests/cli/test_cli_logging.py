"""What a log line may hold, whoever wrote it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from guestlist.errors import DependencyError
from guestlist.logging import ROUTED, configure_logging, is_secret_name

Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The JSON lines logged so far; the process's own logging is put back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("info", as_json=True, stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before, level
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "name",
    ["token", "page_token", "pageToken", "X-Hub-Signature", "phone", "to_phones", "email", "body", "message", "Authorization"]
    + ["db_password", "psid", "appsecret_proof", "meta_app_secret", "first_name", "text"],
)
def test_values_that_are_nobodys_business_are_masked_by_name(name: str, lines: Lines) -> None:
    structlog.get_logger("test").info("sent", **{name: "hunter2", "nested": {"deep": [{name: "hunter2"}]}})

    (line,) = lines()
    assert "hunter2" not in json.dumps(line)
    assert line[name] == "***"


@pytest.mark.parametrize("name", ["message_id", "token_count", "rows", "status", "campaign_id", "seconds", "monkey", "tokenizer"])
def test_harmless_values_stay(name: str) -> None:
    assert not is_secret_name(name)


def test_bytes_are_counted_not_quoted(lines: Lines) -> None:
    structlog.get_logger("test").info("got", raw=b"hunter2")

    assert lines()[0]["raw"] == "7 bytes"


def test_libraries_speak_through_the_same_door(lines: Lines) -> None:
    for name in ROUTED:
        logging.getLogger(name).warning("from %s", name, extra={"token": "hunter2"})

    assert [line["event"] for line in lines()] == [f"from {name}" for name in ROUTED]
    assert {line["token"] for line in lines()} == {"***"}
    assert all(line["level"] == "warning" and line["timestamp"] for line in lines())


def test_an_access_line_has_no_query_and_no_address(lines: Lines) -> None:
    arguments = ("203.0.113.9:5", "GET", "/webhooks/meta?hub.verify_token=hunter2", "1.1", 200)

    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *arguments)

    assert lines()[0]["event"] == "GET /webhooks/meta 200"


def test_a_foreign_exception_is_told_by_kind_and_frames_only(lines: Lines) -> None:
    try:
        try:
            raise ValueError("[parameters: ('jane@example.com',)]")
        except ValueError as error:
            raise KeyError("jane@example.com") from error
    except KeyError:
        structlog.get_logger("test").exception("write failed")

    (line,) = lines()
    assert (line["error"], line["causes"]) == ("KeyError", ["ValueError"])
    assert "test_cli_logging.py" in str(line["frames"])
    assert "jane" not in json.dumps(line)


def test_our_own_errors_keep_their_sentence(lines: Lines) -> None:
    structlog.get_logger("test").error("sweep failed", exc_info=DependencyError("The database is away."))

    assert lines()[0]["error_sentence"] == "The database is away."


def test_the_level_holds(lines: Lines) -> None:
    structlog.get_logger("test").debug("quiet")

    assert lines() == []


def test_without_json_a_line_is_for_people() -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()

    configure_logging("warning", stream=stream)
    structlog.get_logger("test").warning("slow down", token="hunter2", page="pag_1")

    root.handlers[:], root.level = before, level
    structlog.reset_defaults()
    assert "slow down" in stream.getvalue()
    assert "pag_1" in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
