"""`guestlist config` and `guestlist version`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from guestlist.settings import FIELDS

Command = Callable[..., Result]


def test_show_prints_every_setting_with_its_origin(guestlist: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_PORT", "9999")

    shown = json.loads(guestlist("config", "show", "--json").stdout)

    assert set(shown) == set(FIELDS)
    assert shown["port"] == {"value": 9999, "origin": "environment GUESTLIST_PORT", "environment": "GUESTLIST_PORT"}
    assert shown["host"]["origin"] == "default"


def test_show_is_readable_without_json(guestlist: Command, empty_folder: Path) -> None:
    (empty_folder / "guestlist.toml").write_text("in_flight = 77")

    result = guestlist("--data", "here", "config", "show")

    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in result.stdout.splitlines()}
    assert lines["in_flight"] == "77 guestlist.toml in_flight"
    assert lines["data"] == "here flag"
    assert result.stderr == ""


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_show_masks_every_secret(flags: tuple[str, ...], guestlist: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GUESTLIST_META_APP_SECRET", "GUESTLIST_META_VERIFY_TOKEN", "GUESTLIST_SECRET_KEY"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hunter2@db/guests")

    result = guestlist("config", "show", *flags)

    assert result.exit_code == 0
    assert "hunter2" not in result.output
    assert "********@db/guests" in result.stdout


def test_check_says_what_does_not_work_yet(guestlist: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_PUBLIC_URL", "http://guests.example.com/")
    monkeypatch.setenv("GUESTLIST_META_APP_SECRET", "hunter2")
    monkeypatch.setenv("GUESTLIST_META_VERIFY_TOKEN", "hunter2")

    answer = json.loads(guestlist("config", "check", "--json").stdout)

    assert answer["ok"] is True
    assert [warning.split(" is ")[0] for warning in answer["warnings"]] == ["GUESTLIST_PUBLIC_URL"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GUESTLIST_PORT", "eighty"),
        ("GUESTLIST_POTR", "80"),
        ("GUESTLIST_SECRET_KEY", "short"),
        ("GUESTLIST_CONFIG", "gone.toml"),
    ],
)
def test_check_exits_with_3_on_settings_that_cannot_work(
    name: str, value: str, guestlist: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    result = guestlist("config", "check", "--json")

    problem = json.loads(result.stderr)
    assert (result.exit_code, problem["exit_code"], result.stdout) == (3, 3, "")


def test_check_makes_nothing(guestlist: Command, empty_folder: Path) -> None:
    guestlist("config", "check")
    guestlist("config", "show")

    assert list(empty_folder.iterdir()) == []


def test_version_works_with_broken_settings(guestlist: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_POTR", "1")

    assert set(json.loads(guestlist("version", "--json").stdout)) == {"guestlist", "python", "phonenumbers"}
    assert guestlist("version").stdout.startswith("guestlist ")
    assert guestlist("--version").stdout.startswith("guestlist ")
