"""`guestlist config`: which settings are in force, where each came from, and whether they will do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from pydantic import SecretStr

from guestlist.cli.options import Json
from guestlist.cli.output import plural, print_json, print_table, print_text
from guestlist.cli.state import state_of
from guestlist.settings import FIELDS, Settings, load_key, show_value
from guestlist.settings_layers import environment_name

app = typer.Typer(name="config", no_args_is_help=True, help="See and check the settings.")


@app.command()
def show(context: typer.Context, as_json: Json = False) -> None:
    """Print every setting in force and where it came from; secrets are masked.

    Example: `guestlist config show --json`
    """
    settings = state_of(context).settings
    if as_json:
        print_json({name: setting_json(settings, name) for name in FIELDS})
        return
    rows = ((name, show_value(settings, name) or "(none)", settings.origins.get(name, "default")) for name in FIELDS)
    print_table(("Setting", "Value", "From"), rows)


def setting_json(settings: Settings, name: str) -> dict[str, Any]:
    """One setting for scripts. Values keep their type, except secrets, which are masked."""
    value = getattr(settings, name)
    plain = isinstance(value, bool | int | float) or value is None
    shown: Any = value if plain and not isinstance(value, SecretStr) else show_value(settings, name)
    if isinstance(value, tuple):
        shown = [str(part) for part in value]
    return {"value": shown, "origin": settings.origins.get(name, "default"), "environment": environment_name(name)}


@app.command()
def check(context: typer.Context, as_json: Json = False) -> None:
    """Check the settings without starting anything; exit 3 when something is wrong."""
    settings = state_of(context).settings
    if settings.secret_key is not None:
        load_key(settings)
    warnings = list(find_warnings(settings))
    if as_json:
        print_json({"ok": True, "warnings": warnings})
        return
    given = len(settings.origins)
    print_text(f"The settings are sound: {plural(given, 'value')} given, {len(FIELDS) - given} by default.")
    for warning in warnings:
        print_text(f"Note: {warning}")


META = "https://graph.facebook.com"
"""The real Graph API; anything else is an emulator or a proxy."""


def find_warnings(settings: Settings) -> Iterator[str]:
    """What works, but not yet for everything."""
    if settings.meta_app_secret is None:
        yield "GUESTLIST_META_APP_SECRET is not set: Meta's webhooks cannot be proven authentic, so all are refused."
    if settings.meta_verify_token is None:
        yield "GUESTLIST_META_VERIFY_TOKEN is not set: Meta cannot confirm the webhook address."
    if settings.public_url is None:
        yield "GUESTLIST_PUBLIC_URL is not set: Meta cannot be told where to send webhooks."
    elif settings.public_url.startswith("http://") and settings.graph_url == META:
        yield "GUESTLIST_PUBLIC_URL is not https: Meta sends webhooks to https addresses only."
    if settings.allow_networks:
        networks = ", ".join(map(str, settings.allow_networks))
        yield f"GUESTLIST_ALLOW_NETWORKS lets endpoints reach private addresses: {networks}."
    if not settings.host.startswith("127.") and settings.host not in {"localhost", "::1"}:
        yield f"GUESTLIST_HOST {settings.host} is open to the network: put a TLS proxy in front."
