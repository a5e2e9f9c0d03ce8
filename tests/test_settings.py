"""Settings: who wins, who is refused, what is masked, and that every one is documented."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from guestlist.errors import ConfigurationError
from guestlist.settings import FIELDS, MASK, load_settings, mask_password, reference_page, show_value


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings around but those of the test."""
    for name in list(os.environ):
        if name.startswith("GUESTLIST_") or name.startswith("DATABASE_URL"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_anything_the_defaults_hold() -> None:
    settings = load_settings()

    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8080, Path("guestlist-data"))
    assert settings.database_url == "sqlite:///guestlist-data/guestlist.db"
    assert settings.graph_url == "https://graph.facebook.com"
    assert settings.origins == {}


def test_each_place_wins_over_the_next(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given the same setting in every place, and one more in each
    (empty_folder / "guestlist.toml").write_text('port = 1\nhost = "0.0.0.1"\nin_flight = 11\npage_rate = 12\n')
    (empty_folder / ".env").write_text("GUESTLIST_PORT=2\nGUESTLIST_HOST=0.0.0.2\nGUESTLIST_IN_FLIGHT=22\n")
    monkeypatch.setenv("GUESTLIST_PORT", "3")
    monkeypatch.setenv("GUESTLIST_HOST", "0.0.0.3")

    settings = load_settings(port=4)

    assert (settings.port, settings.host, settings.in_flight, settings.page_rate) == (4, "0.0.0.3", 22, 12)
    assert settings.origins == {
        "port": "flag",
        "host": "environment GUESTLIST_HOST",
        "in_flight": ".env GUESTLIST_IN_FLIGHT",
        "page_rate": "guestlist.toml page_rate",
    }


def test_a_flag_that_was_not_given_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_PORT", "3")

    assert load_settings(port=None).port == 3


def test_the_database_file_follows_the_data_folder() -> None:
    assert load_settings(data=Path("/srv/guests")).database_url == "sqlite:////srv/guests/guestlist.db"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("GUESTLIST_POTR", "GUESTLIST_PORT"),
        ("GUESTLIST_PAGERATE", "GUESTLIST_PAGE_RATE"),
        ("GUESTLIST_DATABASE_URL", "DATABASE_URL"),
        ("GUESTLIST_META_SECRET_FILE", "GUESTLIST_META_APP_SECRET"),
        ("GUESTLIST_ORIGINS", "config show"),
        ("GUESTLIST_PORT_FILE", "GUESTLIST_PORT"),  # only secrets have files
    ],
)
@pytest.mark.parametrize("place", ["environment", ".env"])
def test_a_name_that_is_no_setting_is_refused_with_a_hint(
    name: str, hint: str, place: str, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "environment":
        monkeypatch.setenv(name, "1")
    else:
        (empty_folder / ".env").write_text(f"{name}=1\n")

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert caught.value.exit_code == 3
    assert place in caught.value.sentence
    assert name in caught.value.sentence
    assert hint in caught.value.remedy


def test_a_key_of_the_file_that_is_no_setting_is_refused_with_a_hint(empty_folder: Path) -> None:
    (empty_folder / "guestlist.toml").write_text("graph_verson = 'v26.0'\n")

    with pytest.raises(ConfigurationError, match="graph_verson") as caught:
        load_settings()

    assert caught.value.remedy == "Did you mean graph_version?"


def test_names_of_other_programs_are_left_alone(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / ".env").write_text("POSTGRES_PASSWORD=x\nOTHER=1\n")
    monkeypatch.setenv("GUESTLIST_EXTRA_LISTS", "/lists/a.csv")  # .ci/run's own

    assert load_settings().origins == {}


@pytest.mark.parametrize(
    "text",
    [
        "port = 'eighty'",
        "port = 70000",
        "page_rate = 0",
        "page_rate_share = 1.5",
        "graph_version = '26'",
        "graph_url = 'graph.facebook.com'",
        "public_url = 'ftp://x'",
        "allow_networks = ['10.0.0.0/33']",
        "log_level = 'loud'",
        "database_url = 'mysql://root@host/x'",
        "list_max_bytes = '2 potatoes'",
        "meta_app_id = 'my app'",
    ],
)
def test_a_value_that_cannot_be_meant_is_named_by_its_setting(text: str, empty_folder: Path) -> None:
    (empty_folder / "guestlist.toml").write_text(text)
    field = text.split(" =")[0]

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert field.upper() in caught.value.sentence
    assert caught.value.data["settings"] == [field]


def test_a_wrong_value_is_never_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "hunter2://admin:hunter2@db/x")

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert "hunter2" not in caught.value.sentence + caught.value.remedy


@pytest.mark.parametrize(
    ("text", "part"),
    [("port = ", "not TOML"), ("port = 1\nport = 2", "not TOML"), ("config = 'x.toml'", "--config"), (b"\xff\xfe", "UTF-8")],
)
def test_a_settings_file_that_cannot_be_read_says_so(text: str | bytes, part: str, empty_folder: Path) -> None:
    (empty_folder / "guestlist.toml").write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert part in caught.value.sentence + caught.value.remedy


def test_a_settings_file_that_was_named_must_be_there(empty_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"other\.toml"):
        load_settings(config=Path("other.toml"))


def test_the_settings_file_can_be_named_by_the_environment(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "other.toml").write_text("port = 9")
    monkeypatch.setenv("GUESTLIST_CONFIG", "other.toml")

    assert load_settings().port == 9


def test_a_line_of_dotenv_that_is_no_assignment_is_named(empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("GUESTLIST_PORT=1\n= what\n")

    with pytest.raises(ConfigurationError, match=r"\.env, line 2"):
        load_settings()


def test_a_secret_can_live_in_a_file_of_its_own(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "secret").write_text("s3cret-$HOME\n")
    monkeypatch.setenv("GUESTLIST_META_APP_SECRET_FILE", "secret")
    (empty_folder / "guestlist.toml").write_text("meta_verify_token_file = 'secret'\n")

    settings = load_settings()

    assert settings.meta_app_secret == settings.meta_verify_token == SecretStr("s3cret-$HOME")
    assert settings.origins["meta_app_secret"] == "environment GUESTLIST_META_APP_SECRET_FILE"


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", "/nowhere/url")

    with pytest.raises(ConfigurationError, match="DATABASE_URL_FILE names /nowhere/url"):
        load_settings()


def test_one_place_cannot_say_a_secret_twice(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_folder / "secret").write_text("b")
    monkeypatch.setenv("GUESTLIST_META_APP_SECRET", "a")
    monkeypatch.setenv("GUESTLIST_META_APP_SECRET_FILE", "secret")

    with pytest.raises(ConfigurationError, match="twice"):
        load_settings()


def test_an_empty_variable_is_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_PORT", "")

    assert load_settings().port == 8080


def test_lists_and_sizes_are_written_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_ALLOW_NETWORKS", "10.1.0.0/16, fd00::/8")
    monkeypatch.setenv("GUESTLIST_LIST_MAX_BYTES", "3 MiB")
    monkeypatch.setenv("GUESTLIST_LOG_LEVEL", "DEBUG")

    settings = load_settings()

    assert [str(network) for network in settings.allow_networks] == ["10.1.0.0/16", "fd00::/8"]
    assert (settings.list_max_bytes, settings.log_level) == (3 * 1024**2, "debug")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:pw@db:5432/x", f"postgresql://ann:{MASK}@db:5432/x"),
        ("postgresql://ann@db/x?password=pw", f"postgresql://ann@db/x?{MASK}"),
        ("postgresql://db/x", "postgresql://db/x"),
        ("sqlite:////srv/guests/guestlist.db", "sqlite:////srv/guests/guestlist.db"),
    ],
)
def test_a_password_in_a_url_is_masked(url: str, shown: str) -> None:
    assert mask_password(url) == shown


def test_no_secret_is_shown_or_printed() -> None:
    settings = load_settings(
        meta_app_secret="hunter2", meta_verify_token="hunter2", secret_key="hunter2", database_url="postgresql://a:hunter2@db/x"
    )

    shown = " ".join(show_value(settings, name) for name in FIELDS)

    assert "hunter2" not in shown + repr(settings) + str(settings)


def test_every_setting_is_explained_and_the_reference_page_is_current() -> None:
    page = Path(__file__).parents[1] / "docs/reference/settings.md"

    assert all(info.description for info in FIELDS.values())
    assert page.read_text(encoding="utf-8") == "\n".join(reference_page()) + "\n", "run: python -m guestlist.settings > that file"
