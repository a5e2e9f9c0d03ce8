"""`make bench`: every number the README quotes, as ratios within one run. `python -m benchmarks NAME…` runs parts."""

from __future__ import annotations

import importlib
import sys

PARTS = ("lists", "writes", "pump", "intake", "sending", "kills")


def main(names: list[str]) -> int:
    """Runs the named parts, or all."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    for name in names or PARTS:
        print(f"== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").run()
    return 0


sys.exit(main(sys.argv[1:]))
