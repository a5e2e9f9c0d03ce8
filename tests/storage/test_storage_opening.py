"""What cannot be opened is told in words: what, where, and the way out."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.databases import POSTGRES, postgres_only

from guestlist.errors import ConfigurationError, DependencyError, GuestlistError
from guestlist.storage.database import open_database
from guestlist.storage.migrate import migrate


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "bad_database_url"),
        ("guestlist.db", "bad_database_url"),
        ("mysql://localhost/guestlist", "bad_database_url"),
        ("postgresql+asyncpg://localhost/guestlist", "bad_database_url"),
        ("postgresql://localhost:port/guestlist", "bad_database_url"),
        ("sqlite://", "bad_database_url"),
        ("sqlite:///", "bad_database_url"),
        ("sqlite:///:memory:", "bad_database_url"),
        ("sqlite:///{tmp}/nowhere/guestlist.db", "no_folder"),
        ("sqlite:///{tmp}/folder", "not_a_database"),
        ("sqlite:///{tmp}/letter.db", "not_a_database"),
        ("sqlite:///{tmp}/link.db", "database_not_writable"),
    ],
)
@pytest.mark.parametrize("call", [open_database, migrate])
async def test_what_cannot_be_opened_is_a_setting_to_correct(tmp_path: Path, url: str, code: str, call: object) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "letter.db").write_text("Dear customer, this is no database. " * 100)
    (tmp_path / "link.db").symlink_to(tmp_path / "gone" / "guestlist.db")
    with pytest.raises(ConfigurationError) as caught:
        await call(url.format(tmp=tmp_path))  # type: ignore[operator]
    assert caught.value.code == code
    assert caught.value.remedy


@pytest.mark.parametrize("call", [open_database, migrate])
async def test_a_server_that_is_away_is_named_without_the_password(call: object) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(DependencyError) as caught:
            await call(f"postgresql://user:pa55word@127.0.0.1:{port}/guestlist")  # type: ignore[operator]
    assert caught.value.code == "database_away"
    assert f"127.0.0.1:{port}/guestlist" in str(caught.value)
    assert "pa55word" not in f"{caught.value!r} {caught.value.remedy}"


@postgres_only
@pytest.mark.parametrize(
    ("change", "code"),
    [({"path": "/guestlist_test_nowhere"}, "no_database"), ({"user": "guestlist_nobody"}, "database_login")],
)
async def test_the_server_says_no(change: dict[str, str], code: str) -> None:
    scheme, _, rest = POSTGRES.partition("://")
    location = rest.rpartition("@")[2].partition("/")[0]
    user = change.get("user", rest.rpartition("@")[0])
    with pytest.raises(GuestlistError) as caught:
        await open_database(f"{scheme}://{user}@{location}{change.get('path', '/test')}")
    assert (type(caught.value), caught.value.code) == (ConfigurationError, code)
