"""Settings: what an operator can decide, where each value came from, and the key that protects secrets at rest.

Order: flags > environment > `.env` > `guestlist.toml` > defaults. `python -m guestlist.settings` prints the reference page.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from guestlist.errors import ConfigurationError, DependencyError
from guestlist.settings_layers import NOTES, DotEnv, Environment, Layer, Origins, SettingsFile, environment_name, is_secret

DATABASE_SCHEMES = ("sqlite", "postgresql", "postgres")
KEY_BYTES = 32
MASK = "********"


def check_web_address(url: str) -> str:
    """The address without its last slash. Errors: ValueError unless it is http(s) with a host."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write a whole web address, such as https://guestlist.example.com")
    return url.rstrip("/")


def check_database_url(url: str) -> str:
    """The URL as given. Errors: ValueError unless its scheme is one of ours."""
    if urlsplit(url).scheme.split("+")[0] not in DATABASE_SCHEMES:
        raise ValueError("write sqlite:///path/to/file.db or postgresql://user:password@host/database")
    return url


def split_commas(value: object) -> object:
    """The list in a text; other values as they are."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def lower_case(value: object) -> object:
    """`INFO` means `info`."""
    return value.lower() if isinstance(value, str) else value


WebAddress = Annotated[str, AfterValidator(check_web_address)]
DatabaseUrl = Annotated[str, AfterValidator(check_database_url)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], BeforeValidator(split_commas)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower_case)]


def default_database_url(values: Mapping[str, Any]) -> str:
    """One file in the data folder."""
    return f"sqlite:///{values.get('data', Path('guestlist-data')) / 'guestlist.db'}"


class Settings(BaseSettings):
    """Every setting of a Guestlist process. Made by `load_settings`, which turns mistakes into sentences."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    config: Path = Field(Path("guestlist.toml"), description="The settings file. It may be missing unless you name one.")
    data: Path = Field(Path("guestlist-data"), description="The data folder: SQLite file, key file, lists. Back it up.")
    database_url: DatabaseUrl = Field(
        default_factory=default_database_url,
        repr=False,
        description="`sqlite:///path` or `postgresql://user:password@host/name`. PostgreSQL allows several workers.",
        json_schema_extra={"secret": True, "default": "`guestlist.db` in the data folder"},
    )
    host: str = Field("127.0.0.1", description="The address `serve` listens on. Put a TLS proxy in front before you open it.")
    port: int = Field(8080, ge=0, le=65535, description="The port `serve` listens on; 0 picks a free one.")
    public_url: WebAddress | None = Field(None, description="Where providers reach this server: their webhooks go there.")
    graph_url: WebAddress = Field("https://graph.facebook.com", description="The Graph API, or a `guestlist emulator`.")
    graph_version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="The Graph API version in every path.")
    graph_connect_timeout: float = Field(5.0, gt=0, description="Seconds to wait for a connection to the Graph API.")
    graph_timeout: float = Field(30.0, gt=0, description="Seconds to wait for a whole answer of the Graph API.")
    graph_connections: int = Field(256, ge=1, description="Connections to the Graph API that one process keeps open.")
    meta_app_id: str | None = Field(None, pattern=r"^\d+$", description="The id of your Meta app.")
    meta_app_secret: SecretStr | None = Field(
        None, description="The secret of your Meta app: signs our calls and proves that webhooks are Meta's."
    )
    meta_verify_token: SecretStr | None = Field(None, description="What you typed as verify token in Meta's webhook form.")
    secret_key: SecretStr | None = Field(
        None,
        description="32 bytes in base64 that encrypt stored secrets.",
        json_schema_extra={"default": "`secret.key` in the data folder, made on first use"},
    )
    page_rate: int = Field(300, ge=1, description="Calls a second that Meta allows a Page.")
    page_rate_share: float = Field(0.95, gt=0, le=1, description="The share of `page_rate` that is used.")
    in_flight: int = Field(256, ge=1, description="Calls of one lane on the wire at the same time.")
    lease_seconds: float = Field(10.0, ge=1, description="Seconds until another process takes over a dead one's lanes.")
    sweep_seconds: float = Field(1.0, gt=0, description="Seconds between two looks for rows whose wake-up was lost.")
    sync_hours: float = Field(1.0, gt=0, description="Hours between two full reads of a Page's subscription tokens.")
    upload_poll_seconds: float = Field(30.0, gt=0, description="Seconds between two looks at an upload Meta is silent about.")
    webhook_max_bytes: ByteSize = Field(ByteSize(4 * 1024**2), gt=0, description="The largest webhook body that is read.")
    webhook_days: float = Field(7.0, gt=0, description="Days that raw webhooks are kept after they were applied.")
    notice_days: float = Field(30.0, gt=0, description="Days that what endpoints were told, and their answers, are kept.")
    list_workers: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Processes that read one long customer file; 1 reads it within this one.",
        json_schema_extra={"default": "one for each core, up to 4"},
    )
    list_max_bytes: ByteSize = Field(ByteSize(2 * 1024**3), gt=0, description="The largest customer file that is accepted.")
    list_max_unpacked: ByteSize = Field(
        ByteSize(4 * 1024**3), gt=0, description="What a packed customer file (gzip, zip, XLSX, Parquet) may unpack to at most."
    )
    log_level: LogLevel = Field("info", description="What is logged: debug, info, warning or error.")
    log_json: bool = Field(False, description="Log one JSON object a line instead of readable text.")
    allow_networks: Networks = Field(
        (),
        description="Private networks where endpoints, SMS gateways and mail relays may live, by commas, such as `10.1.0.0/16`.",
        json_schema_extra={"default": "none"},
    )
    origins: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, `.env`, the settings file; then the note of who said what."""
        layers: tuple[Layer, ...] = (Environment(settings_cls), DotEnv(settings_cls), SettingsFile(settings_cls))
        return (init_settings, *layers, Origins(settings_cls, layers))


FIELDS: Mapping[str, FieldInfo] = {name: info for name, info in Settings.model_fields.items() if name != NOTES}


def load_settings(**flags: Any) -> Settings:
    """The settings of this process; flags that are None count as not given.

    Errors: ConfigurationError naming each wrong value by its setting, never by its content.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        problems = {str(item["loc"][0]): item["msg"] for item in error.errors(include_input=False)}
        sentence = " ".join(describe_problem(name, message) for name, message in problems.items())
        raise ConfigurationError(sentence, remedy="See docs/reference/settings.md.", settings=sorted(problems)) from None


def describe_problem(field: str, message: str) -> str:
    """One sentence on one wrong value."""
    text = message.removeprefix("Value error, ").rstrip(".")
    return f"{environment_name(field)} is wrong: {text[:1].lower()}{text[1:]}."


def show_value(settings: Settings, field: str) -> str:
    """A value for people: secrets masked, a password inside a URL masked, nothing as an empty text."""
    value = getattr(settings, field)
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return MASK
    if field == "database_url":
        return mask_password(value)
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value.human_readable() if isinstance(value, ByteSize) else str(value)


def mask_password(url: str) -> str:
    """The URL with its password and its query hidden: drivers take passwords in either place."""
    parts = urlsplit(url)
    if parts.password is None and not parts.query:
        return url
    if parts.password is not None:
        user, host = parts.netloc.rpartition("@")[::2]
        parts = parts._replace(netloc=f"{user.partition(':')[0]}:{MASK}@{host}")
    return parts._replace(query=MASK if parts.query else "").geturl()


def load_key(settings: Settings) -> bytes:
    """The 32 bytes under which secrets are encrypted: `secret_key`, else the key file, made on first use with mode 0600.

    Errors: ConfigurationError where the key is no 32 bytes or others can read its file; DependencyError where it cannot be made.
    """
    if settings.secret_key is not None:
        return parse_key(settings.secret_key.get_secret_value(), environment_name("secret_key"))
    path = settings.data / "secret.key"
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            make_key_file(path)
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise ConfigurationError(f"Others on this machine can read {path}.", remedy=f"Run: chmod 600 {path}")
        return parse_key(path.read_text(encoding="ascii", errors="replace"), str(path))
    except OSError as error:
        sentence = f"The key file {path} cannot be made or read: {error.strerror}."
        raise DependencyError(sentence, remedy="Check the rights and the space of the data folder.") from error


def parse_key(text: str, where: str) -> bytes:
    """The bytes of a base64 key, either alphabet. Errors: ConfigurationError naming where it was written."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{where} is not {KEY_BYTES} bytes in base64.", remedy="Make one by: openssl rand -base64 32")
    return key


def make_key_file(path: Path) -> None:
    """Makes the key file whole or not at all; where two processes race, the first one's key stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def reference_page() -> Iterator[str]:
    """The lines of docs/reference/settings.md."""
    yield "# Settings"
    yield ""
    yield "Made from the code by `python -m guestlist.settings`; do not edit."
    yield ""
    yield "A value is taken from the first place that has it: a flag, the environment, `.env` in the current folder,"
    yield "`guestlist.toml` in the current folder (or the file named by `--config`), the default. A setting is written in lower"
    yield "case in `guestlist.toml`, in capitals in the environment and in `.env`. A name that is no setting is an error. Secrets"
    yield "(marked S) can be kept in a file: add `_FILE` to the name, give its path. Relative paths start at the current folder."
    yield "`guestlist config show` prints every value in force and where it came from. Guestlist sends no telemetry."
    yield ""
    yield "| `guestlist.toml` | Environment | Default | What it decides |"
    yield "|---|---|---|---|"
    for name, info in FIELDS.items():
        spelled = "" if name == "config" else f"`{name}`"
        mark = " S" if is_secret(info) else ""
        yield f"| {spelled} | `{environment_name(name)}`{mark} | {default_text(info)} | {info.description} |"


def default_text(info: FieldInfo) -> str:
    """A default as the reference shows it."""
    if isinstance(info.json_schema_extra, dict) and "default" in info.json_schema_extra:
        return str(info.json_schema_extra["default"])
    if info.default is None:
        return ""
    value = info.default.human_readable() if isinstance(info.default, ByteSize) else info.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    print("\n".join(reference_page()))
