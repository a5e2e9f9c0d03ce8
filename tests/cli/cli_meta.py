"""Meta as the command line meets it in tests: an emulator in its own process, moved by its control API. And what is given it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Answer = dict[str, Any]

CUSTOMERS = "email,phone,first_name\n" + "".join(f"guest{n}@example.com,07911 {123000 + n},Guest\n" for n in range(400))
CONSENT = ("--consent-by", "Ana, CRM", "--consent-words", "Yes, send me offers.", "--consent-basis", "checkbox at checkout")


@dataclass
class Meta:
    """The emulator, and the world a test begins with."""

    url: str
    world: dict[str, str] = field(default_factory=dict)

    def control(self, path: str, body: Answer | None = None, method: str = "") -> Answer:
        """One call under `/_emulator`: GET, or POST where there is a body."""
        return self._call(method or ("GET" if body is None else "POST"), f"/_emulator{path}", body, {})

    def graph(self, path: str, body: Answer) -> Answer:
        """What somebody else does at Meta, as the system user."""
        token = {"Authorization": f"Bearer {self.world['system_user_token']}"}
        return self._call("POST", f"/v26.0{path}", body, token)

    def reset(self) -> None:
        """A fresh world. Its time runs so fast that matching is over at once."""
        self.control("/faults", method="DELETE")
        self.world = {name: str(value) for name, value in self.control("/reset", {}).items()}
        self.control("/clock", {"speed": 2000})

    def writes(self) -> list[str]:
        """The paths of all calls that changed something, in order; reading a token's state is a POST that changes nothing."""
        calls = self.control("/calls")["data"]
        return [call["path"] for call in calls if call["method"] != "GET" and not call["path"].endswith("/debug_token")]

    def fail(self, **rule: Any) -> None:
        """Scripts a fault."""
        self.control("/faults", {"faults": [rule]})

    @property
    def secrets(self) -> list[str]:
        """What no output may hold."""
        names = ("page_token", "system_user_token", "user_token", "app_secret", "verify_token")
        return [self.world[name] for name in names]

    def _call(self, method: str, path: str, body: Answer | None, headers: dict[str, str]) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        headers = headers | {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: Answer = json.loads(answer.read())
            return found


@contextmanager
def run_emulator() -> Iterator[Meta]:
    """An emulator process on a free port."""
    command = [sys.executable, "-m", "guestlist.emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Meta(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


def end(process: subprocess.Popen[bytes], number: signal.Signals = signal.SIGTERM) -> tuple[int, bytes, bytes]:
    """Asks a process to end: its exit code and what it said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err
