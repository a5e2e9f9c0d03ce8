"""What every room's tests share: `tests/support` on the path, and the `database` fixture."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

pytest_plugins = ["support.databases"]
