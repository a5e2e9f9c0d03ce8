"""What can be set when an emulator starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EmulatorConfig:
    """Settings of one emulator. Times are seconds; those marked (emulated) follow the emulator's clock."""

    host: str = "127.0.0.1"
    port: int = 8090  # 0 = any free port
    seed: int = 1  # another seed is another crowd
    match_rate: float = 0.55  # share of digests with a person behind them
    speed: float = 1.0  # emulated seconds in a real second
    start: datetime | None = None  # what the clock shows at the start; None = now
    latency: float = 0.0  # every answer waits this long (real)
    rate: int = 300  # marketing sends a second and Page (real, rolling); 0 = no limit
    organic: int = 40  # subscribers each Page has from ads and automations
    threshold: int = 100  # an audience with fewer matched people shows no tokens
    matching_seconds: float = 120.0  # a batch takes this long to match (emulated)
    warm_up_seconds: float = 3600.0  # a campaign cannot send before (emulated)
    require_proof: bool = False  # the app setting "Require App Secret"
    max_body: int = 64 * 1024 * 1024  # bytes of a request body
    log_limit: int = 500_000  # calls remembered
    give_up_seconds: float = 36 * 3600.0  # webhooks are retried this long (real)
