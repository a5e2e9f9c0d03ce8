"""All moving parts of one emulator, in one object."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from .calls import CallLog
from .clock import Clock, Scheduler
from .config import EmulatorConfig
from .courier import Courier
from .crowd import Crowd
from .faults import Faults
from .limits import Limits
from .switches import Switches
from .texts import Texts
from .webhooks import Event
from .world import World


class Emulator:
    """State and machinery. Handlers change it synchronously, so every call is one step."""

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        self._runner: asyncio.Task[None] | None = None
        self._build()

    def _build(self) -> None:
        config = self.config
        self.clock = Clock(speed=config.speed, start=config.start)
        self.scheduler = Scheduler(self.clock)
        self.crowd = Crowd(seed=config.seed, match_rate=config.match_rate)
        self.world = World(config, self.crowd, self.clock.now())
        self.switches = Switches()
        if config.require_proof:
            self.switches.set("require_proof", "on")
        self.faults = Faults(config.seed)
        self.limits = Limits(rate=config.rate)
        self.log = CallLog(config.log_limit)
        self.courier = Courier(self.world, self.switches, self.faults, give_up_seconds=config.give_up_seconds)
        self.texts = Texts(self)

    def start(self) -> None:
        """Lets time act. Call inside the event loop."""
        if self._runner is None:
            self._runner = asyncio.get_running_loop().create_task(self.scheduler.run())

    async def stop(self) -> None:
        if self._runner is not None:
            self._runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._runner
            self._runner = None
        await self.courier.close()
        await self.texts.close()

    async def reset(self) -> None:
        """A fresh world, clock, log; no faults, no subscriptions."""
        running = self._runner is not None
        await self.stop()
        self._build()
        if running:
            self.start()

    def later(self, when: float, action: Callable[[float], None]) -> None:
        """Runs `action` at an emulated moment (unix seconds)."""
        self.scheduler.at(when, action)

    def emit(self, event: Event) -> None:
        self.courier.emit(event)

    @property
    def webhooks_due(self) -> int:
        """Things still to happen that may end in a webhook: waiting for their time, queued, on the wire, retried."""
        return len(self.scheduler) + self.courier.unfinished + self.texts.unfinished
