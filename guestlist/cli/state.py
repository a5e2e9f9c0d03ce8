"""What the commands of one run share: the global flags, and the settings, read when first asked for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import typer

from guestlist.settings import Settings, load_settings

T = TypeVar("T")


@dataclass
class State:
    """The global flags. `settings` is read late, so that `--help` and `version` work with a broken settings file."""

    data: Path | None = None
    config: Path | None = None
    verbose: bool = False

    @cached_property
    def settings(self) -> Settings:
        """Errors: ConfigurationError."""
        return self.settings_with()

    def settings_with(self, **flags: Any) -> Settings:
        """The settings with a command's own flags on top; None counts as not given. Errors: ConfigurationError."""
        level = "debug" if self.verbose else None
        return load_settings(**{"data": self.data, "config": self.config, "log_level": level} | flags)


def state_of(context: typer.Context) -> State:
    """The state that the root callback made."""
    return context.ensure_object(State)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs a command's async part to its end, on uvloop where there is one. Ctrl-C cancels it and then raises."""
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        return runner.run(work())


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop, which Windows does not have."""
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop
