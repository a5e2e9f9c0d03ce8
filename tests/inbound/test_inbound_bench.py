"""The intake benchmark still runs, and everything it confirms is stored."""

from __future__ import annotations

import pytest

from benchmarks.intake import run


def test_the_intake_benchmark_runs(capsys: pytest.CaptureFixture[str]) -> None:
    results = run({1: 50, 100: 10}, rounds=1)
    assert [each.events for each in results] == [1, 100]
    assert all(each.ratio > 0 for each in results)
    assert capsys.readouterr().out.count("ratio") == 2
