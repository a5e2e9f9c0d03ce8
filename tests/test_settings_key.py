"""The key that protects secrets at rest: made once, kept apart from the database, refused when others can read it."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from guestlist.errors import ConfigurationError, DependencyError
from guestlist.settings import Settings, load_key, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path / "data")


def test_the_first_use_makes_a_key_that_stays(settings: Settings) -> None:
    key = load_key(settings)

    assert len(key) == 32
    assert load_key(settings) == key


def test_only_the_owner_can_read_the_key_and_its_folder(settings: Settings) -> None:
    load_key(settings)

    assert (settings.data / "secret.key").stat().st_mode & 0o777 == 0o600
    assert settings.data.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in settings.data.iterdir()] == ["secret.key"]


def test_processes_that_start_together_agree_on_one_key(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_key, [settings] * 32))

    assert len(keys) == 1


def test_a_key_others_can_read_is_refused(settings: Settings) -> None:
    load_key(settings)
    (settings.data / "secret.key").chmod(0o644)

    with pytest.raises(ConfigurationError) as caught:
        load_key(settings)

    assert "chmod 600" in caught.value.remedy


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_key_can_come_from_the_settings(encode: object, tmp_path: Path) -> None:
    key = bytes(range(224, 256))

    settings = load_settings(data=tmp_path / "data", secret_key=encode(key).decode())  # type: ignore[operator]

    assert load_key(settings) == key
    assert not settings.data.exists()


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 31).decode(), "not base64 at all!", "é" * 44])
def test_a_key_that_is_no_32_bytes_is_refused_unquoted(text: str, settings: Settings) -> None:
    load_key(settings)
    (settings.data / "secret.key").write_text(text)

    with pytest.raises(ConfigurationError) as caught:
        load_key(settings)

    assert "32 bytes" in caught.value.sentence
    assert not text or text not in caught.value.sentence


def test_a_data_folder_that_cannot_be_made_is_a_dependency_that_is_down(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DependencyError, match="key file"):
        load_key(load_settings(data=tmp_path / "file" / "data"))
