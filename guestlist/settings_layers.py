"""Where settings are written: the environment, `.env`, `guestlist.toml`. Reads them, knows every name, remembers who said what.

A name nobody knows is an error, not a shrug: a typing slip in `GUESTLIST_PAGE_RATE` must not pass as the default.
"""

from __future__ import annotations

import os
import tomllib
from abc import abstractmethod
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from guestlist.errors import ConfigurationError

PREFIX = "GUESTLIST_"
DATABASE_URL = "DATABASE_URL"
NAMES_OF_OTHERS = frozenset({"GUESTLIST_EXTRA_LISTS", "GUESTLIST_TEST_BROWSER", "GUESTLIST_TEST_POSTGRES"})
"""Environment names with our prefix that are no settings of the server: `.ci/run` and the tests read them."""
NOTES = "origins"
"""The field that holds who said what. It is no setting."""


def environment_name(field: str) -> str:
    """`DATABASE_URL` is the one name without our prefix: hosts hand it out under that name."""
    return DATABASE_URL if field == "database_url" else PREFIX + field.upper()


def is_secret(field: FieldInfo) -> bool:
    """Whether `_FILE` works for it and `config show` masks it."""
    marked = isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("secret")
    return bool(marked) or "SecretStr" in str(field.annotation)


class Layer(PydanticBaseSettingsSource):
    """One place where settings are written. Errors: ConfigurationError on names nobody knows and files that cannot be read."""

    title: str

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        fields = {name: info for name, info in settings_cls.model_fields.items() if name != NOTES}
        self.names = {self.spell(name): name for name in fields}
        self.secrets = {self.spell(name) for name, info in fields.items() if is_secret(info)}
        self.said: dict[str, str] = {}  # field -> the name it was written under

    @abstractmethod
    def read(self) -> Mapping[str, Any]:
        """What is written there, by name; only names that claim to be ours."""

    def spell(self, field: str) -> str:
        """How a field is called here."""
        return environment_name(field)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Part of the library's interface; whole mappings are read in `__call__` instead."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The values by field. Empty ones count as not said: that is how compose files leave a variable out."""
        values: dict[str, Any] = {}
        for name, value in self.read().items():
            if value is None or value == "":
                continue
            field, from_file = self._field(name)
            if field in values:
                sentence = f"{self.title} sets {field} twice: {self.said[field]} and {name}."
                raise ConfigurationError(sentence, remedy="Keep one of the two.", setting=field)
            values[field] = read_secret(Path(str(value)), name) if from_file else value
            self.said[field] = name
        return values

    def _field(self, name: str) -> tuple[str, bool]:
        """The field a name stands for, and whether the value is the path of a file that holds it."""
        if name in self.names:
            return self.names[name], False
        base = name[:-5]
        if name.lower().endswith("_file") and base in self.secrets:
            return self.names[base], True
        bare = {known.removeprefix(PREFIX): known for known in self.names}  # the prefix alone makes no two names alike
        near = get_close_matches(name.removeprefix(PREFIX), bare, n=1)
        remedy = f"Did you mean {bare[near[0]]}?" if near else "`guestlist config show` lists every setting."
        raise ConfigurationError(f"{self.title} sets {name}, which is no setting.", remedy=remedy, setting=name)


class Environment(Layer):
    """The process's environment."""

    title = "environment"

    def read(self) -> Mapping[str, str]:
        """Our names; everything else belongs to others."""
        return {name: value for name, value in os.environ.items() if is_ours(name)}


class DotEnv(Layer):
    """`.env` in the current folder."""

    title = ".env"

    def read(self) -> Mapping[str, str | None]:
        """Our names. Values are taken literally: a `$` in a password stays."""
        path = Path(".env")
        if not path.is_file():
            return {}
        values: dict[str, str | None] = {}
        with path.open(encoding="utf-8") as file:
            for binding in parse_stream(file):
                if binding.error:
                    sentence = f".env, line {binding.original.line}, cannot be read."
                    raise ConfigurationError(sentence, remedy="Write one NAME=value a line.")
                if binding.key and is_ours(binding.key):
                    values[binding.key] = binding.value
        return values


class SettingsFile(Layer):
    """`guestlist.toml`, or the file named by `--config`."""

    title = "guestlist.toml"

    def spell(self, field: str) -> str:
        """Lower case, as in code."""
        return field

    def read(self) -> Mapping[str, Any]:
        """All of it. A file that was named must be there; the default one may be missing."""
        named = self.current_state.get("config")
        path = Path(named or "guestlist.toml")
        if not named and not path.is_file():
            return {}
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            sentence = f"The settings file {path} cannot be read: {error.strerror}."
            raise ConfigurationError(sentence, remedy="Correct --config or GUESTLIST_CONFIG.") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"The settings file {path} is not TOML: {error}.", remedy="Write name = value.") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"The settings file {path} is not UTF-8 text.", remedy="Save it as UTF-8.") from error
        if "config" in values:
            raise ConfigurationError(f"The settings file {path} sets config.", remedy="Name the file by --config instead.")
        return values


class Origins(PydanticBaseSettingsSource):
    """The last source: notes for each value which of the earlier ones won."""

    def __init__(self, settings_cls: type[BaseSettings], layers: tuple[Layer, ...]) -> None:
        super().__init__(settings_cls)
        self.layers = layers

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Part of the library's interface; see `__call__`."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """One field, such as `{"port": "environment GUESTLIST_PORT"}`; what the defaults decided is not listed."""
        origins: dict[str, str] = {}
        for layer in self.layers:
            for field, name in layer.said.items():
                origins.setdefault(field, f"{layer.title} {name}")
        flags = self.settings_sources_data.get("InitSettingsSource", {})
        return {NOTES: origins | dict.fromkeys(flags, "flag")}


def is_ours(name: str) -> bool:
    """Whether a name of the environment claims to be a setting of Guestlist."""
    return (name.startswith(PREFIX) and name not in NAMES_OF_OTHERS) or name in {DATABASE_URL, DATABASE_URL + "_FILE"}


def read_secret(path: Path, name: str) -> str:
    """The text of a secret's file without the line end that editors add. Errors: ConfigurationError."""
    try:
        return path.expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError(f"{name} names {path}, which cannot be read: {why}.", remedy="Correct the path.") from error
