"""Are all rows accounted for? Made files of every format, most of them broken, through the whole list engine."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.list_fuzz import check_file, make_file

COUNT = 10_000


def run(count: int = COUNT) -> None:
    """Prints the share of files whose every record is accounted for, and of those refused instead."""
    start = time.process_time()
    kinds: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    short: list[str] = []
    for seed in range(count):
        made = make_file(seed)
        kinds[made.kind.removeprefix("broken ").removeprefix("packed ")] += 1
        try:
            code = check_file(made)
        except Exception as error:  # any of them is a finding
            short.append(f"seed {seed} ({made.kind}): {type(error).__name__}: {str(error)[:200]}")
            continue
        if code:
            refused[code] += 1
    share = 1 - len(short) / count
    what = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
    codes = ", ".join(f"{code} {number:,}" for code, number in refused.most_common())
    print(f"lists: {count:,} made files ({what}): rows accounted for {share:.0%}" if not short else f"{share:.3%} accounted for")
    print(f"lists:   refused whole {refused.total():,}: {codes}")
    for finding in short[:20]:
        print(f"lists:   NOT accounted for: {finding}")
    print(f"lists:   {time.process_time() - start:.0f} s on one core")
    if short:
        raise SystemExit(1)


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
