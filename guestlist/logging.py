"""Logs: one stream on stderr for us and for every library, without secrets and without personal data.

What is dropped is decided by the name of a value, never by guessing at its text. An exception is told by its kind and its
frames: the text of a foreign exception may quote a customer's row (a database error prints its parameters).
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from guestlist.errors import GuestlistError

MASK = "***"
SECRET_WORDS = frozenset(
    {"token", "tokens", "secret", "secrets", "password", "authorization", "cookie", "proof", "signature"}  # credentials
    | {"phone", "phones", "email", "emails", "psid", "psids", "name", "names"}  # people
    | {"body", "message", "messages", "text", "payload"}  # what people say
)
"""A value is masked when its name has one of these words, as `page_token` and `X-Hub-Signature` have."""
HARMLESS_ENDINGS = frozenset({"id", "ids", "count", "seconds", "bytes", "ms", "state", "kind"})
"""…unless the name ends in one of these: `message_id` and `token_count` tell nothing."""
QUIET = dict.fromkeys(("asyncio", "aiohttp.access", "alembic.runtime.migration", "uvicorn.error"), logging.WARNING)
ROUTED = ("uvicorn", "uvicorn.error", "uvicorn.access", "aiohttp", "alembic", "pgqueuer", "sqlalchemy")


def configure_logging(level: str = "info", *, as_json: bool = False, stream: TextIO | None = None) -> None:
    """Sends our logs and those of the libraries to the stream (stderr by default). May be called again."""
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tell_exception,
        mask_secrets,
    ]
    renderer: Processor = structlog.processors.JSONRenderer() if as_json else console_renderer(target)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(strip_access_line)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    route_libraries()


def route_libraries() -> None:
    """Takes the libraries' own handlers away, so that every line passes through ours."""
    for name in ROUTED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)


def console_renderer(stream: TextIO) -> Processor:
    """Readable lines, coloured on a terminal."""
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)


def mask_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Masks what must not be read, at any depth, by the names of the values."""
    event.pop("color_message", None)  # uvicorn's own line once more, in colours
    for name, value in event.items():
        if name != "event" and not name.startswith("_"):
            event[name] = mask_value(name, value)
    return event


def mask_value(name: str, value: Any) -> Any:
    """The value, or the mask where its name says that it is nobody's business."""
    if is_secret_name(name):
        return MASK
    if isinstance(value, dict):
        return {key: mask_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [mask_value("", inner) for inner in value]
    return f"{len(value)} bytes" if isinstance(value, bytes | bytearray) else value


def is_secret_name(name: str) -> bool:
    """Whether a name has a secret word in it: `pageToken`, `page_token` and `Page-Token` are one."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z]+", " ", name).lower().split()
    return bool(words) and not SECRET_WORDS.isdisjoint(words) and words[-1] not in HARMLESS_ENDINGS


def tell_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replaces `exc_info` by the exception's kind, its frames, and, for our own errors, its sentence."""
    info = event.pop("exc_info", None)
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    elif info and not isinstance(info, tuple):
        info = sys.exc_info()
    if not info or info[0] is None:
        return event
    _kind, error, trace = info
    event["error"] = type(error).__qualname__
    if isinstance(error, GuestlistError):
        event["error_sentence"] = error.sentence
    causes = [type(cause).__qualname__ for cause in iterate_causes(error)]
    if causes:
        event["causes"] = causes
    event["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
    return event


def iterate_causes(error: BaseException) -> Iterator[BaseException]:
    """What led to the error, nearest first."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def strip_access_line(record: logging.LogRecord) -> bool:
    """uvicorn's access lines without the caller's address and without the query, which may hold a token."""
    if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
        _address, method, path, _version, status = record.args
        record.msg, record.args = "%s %s %s", (method, str(path).partition("?")[0], status)
    return True
