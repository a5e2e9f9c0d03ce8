"""Rate limits: sends a second and Page in real time, calls an hour on the emulated clock, and the usage headers (0.4)."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

import orjson

from .errors import GraphFault, marketing

HOUR = 3600.0
DAY = 24 * HOUR

# Calls an hour, for the full access tier; engaged people and active things do not raise them here.
HOURLY: dict[str, int] = {
    "app": 2_000_000,
    "custom_audience": 190_000,
    "ads_management": 100_000,
    "ads_insights": 190_000,
    "tokens": 1_000_000,
}
UPLOADS: dict[str, int] = {"upload_rows": 10_000, "upload_bytes": 5_000_000}  # of one call; Meta states the rows only
PACES: dict[str, tuple[int, float]] = {  # of one Page: how many in how many seconds
    "phone_sends": (5_000, HOUR),
    "profile": (10, 600.0),
}
MEDIA_RATE = 10  # calls a second and Page that send audio or video (0.4)
REFUSALS: dict[str, tuple[int, int | None]] = {
    "app": (4, None),
    "phone_sends": (4, 2018022),
    "profile": (613, None),
    "custom_audience": (80003, 2446079),
    "ads_management": (80004, 2446079),
    "ads_insights": (80000, 2446079),
    "messenger": (80006, None),
}
AD_TYPES = frozenset({"ads_management", "ads_insights", "custom_audience"})


@dataclass(slots=True)
class SendWindow:
    """Sends of one Page in any rolling second (real time)."""

    limit: int
    times: deque[float] = field(default_factory=deque)
    peak: int = 0
    refused: int = 0

    def take(self) -> bool:
        """Counts one send, unless the second is full."""
        now = time.monotonic()
        times = self.times
        while times and now - times[0] >= 1.0:
            times.popleft()
        if self.limit and len(times) >= self.limit:
            self.refused += 1
            return False
        times.append(now)
        self.peak = max(self.peak, len(times))
        return True


@dataclass(slots=True)
class PeriodCount:
    """Calls of about the last period: this one's, and the rest of the one before."""

    period: float = HOUR
    number: int = 0
    count: int = 0
    before: int = 0

    def add(self, now: float) -> float:
        """Counts one call and gives the total."""
        number, inside = divmod(now, self.period)
        if int(number) != self.number:
            self.before = self.count if int(number) == self.number + 1 else 0
            self.number, self.count = int(number), 0
        self.count += 1
        return self.count + self.before * (1.0 - inside / self.period)


class Limits:
    """All limits of one emulator."""

    def __init__(self, *, rate: int) -> None:
        self.rate = rate
        self.hourly = dict(HOURLY)
        self.uploads = dict(UPLOADS)
        self.paces = {name: allowed for name, (allowed, _) in PACES.items()}
        self.windows: dict[str, SendWindow] = {}
        self._page_windows: dict[tuple[str, bool], SendWindow] = {}
        self._counts: dict[tuple[str, str], PeriodCount] = {}

    def set_rate(self, rate: int) -> None:
        """Sends a second and Page from now on; 0 = no limit."""
        self.rate = rate
        for window in self.windows.values():
            window.limit = rate
        self._page_windows.clear()

    def window(self, page_id: str) -> SendWindow:
        found = self.windows.get(page_id)
        if found is None:
            found = self.windows[page_id] = SendWindow(self.rate)
        return found

    def check_send(self, page_id: str) -> None:
        """Errors: 2300078 when the Page's second is full."""
        if not self.window(page_id).take():
            raise marketing(2300078)

    def check_page_send(self, page_id: str, *, media: bool) -> None:
        """Errors: 613 when the Page's second of the Send API is full; audio and video have one of their own."""
        window = self._page_windows.get((page_id, media))
        if window is None:
            limit = min(self.rate, MEDIA_RATE) if media else self.rate
            window = self._page_windows[page_id, media] = SendWindow(limit)
        if not window.take():
            raise GraphFault("Calls to this api have exceeded the rate limit.", code=613, subcode=2534040)

    def check_pace(self, name: str, page_id: str, now: float) -> None:
        """Errors: 4/2018022 too many sends to phone numbers, 613 too many calls of the Messenger profile."""
        if self.count(name, page_id, now, allowed=self.paces[name], period=PACES[name][1]) > 100:
            raise refusal(name)

    def count(self, use_case: str, object_id: str, now: float, *, allowed: int, period: float = HOUR) -> float:
        """Counts a call and gives the usage in percent, above 100 for a call too many."""
        counter = self._counts.get((use_case, object_id))
        if counter is None:
            counter = self._counts[use_case, object_id] = PeriodCount(period)
        return 100.0 * counter.add(now) / max(allowed, 1e-6)  # 0 allows nothing


def refusal(use_case: str) -> GraphFault:
    """What a call too many is told."""
    if use_case == "tokens":
        return marketing(2300080)
    code, subcode = REFUSALS[use_case]
    return GraphFault("There have been too many calls to this object. Wait a bit and try again.", code=code, subcode=subcode)


def usage_headers(use_case: str, object_id: str, percent: float) -> list[tuple[bytes, bytes]]:
    """The headers Graph adds to answers about this use case."""
    used = int(percent)
    business: dict[str, object] = {
        "type": "messenger" if use_case == "tokens" else use_case,
        "call_count": used,
        "total_cputime": used // 2,
        "total_time": used // 2,
        "estimated_time_to_regain_access": 0 if percent < 100 else 60,
    }
    if use_case in AD_TYPES:
        business["ads_api_access_tier"] = "standard_access"
    if use_case == "app":
        return [(b"x-app-usage", orjson.dumps({"call_count": used, "total_time": used // 2, "total_cputime": used // 2}))]
    headers = [(b"x-business-use-case-usage", orjson.dumps({object_id: [business]}))]
    if use_case in AD_TYPES:
        account = {"acc_id_util_pct": round(percent, 2), "reset_time_duration": 3600, "ads_api_access_tier": "standard_access"}
        headers.append((b"x-ad-account-usage", orjson.dumps(account)))
    return headers
