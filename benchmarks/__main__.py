"""`make bench`: every number the README quotes, as ratios within one run. `python -m benchmarks NAME…` runs parts or groups."""

from __future__ import annotations

import importlib
import sys

GROUPS = {
    "lists": ("list_speed", "list_phones", "list_fuzz", "list_memory", "list_kills"),
    "messaging": ("messages", "replies"),
}
PARTS = (*GROUPS["lists"], "writes", "pump", "intake", "sending", "kills", *GROUPS["messaging"])


def main(names: list[str]) -> int:
    """Runs the named parts, or all."""
    unknown = [name for name in names if name not in (*PARTS, *GROUPS)]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are {', '.join((*GROUPS, *PARTS))}.", file=sys.stderr)
        return 2
    for part in [part for name in names or PARTS for part in GROUPS.get(name, (name,))]:
        print(f"== {part}", flush=True)
        importlib.import_module(f"benchmarks.{part}").run()
    return 0


sys.exit(main(sys.argv[1:]))
