"""`guestlist version`."""

from __future__ import annotations

import platform
from importlib.metadata import version as distribution_version

from guestlist.cli.options import Json
from guestlist.cli.output import print_json, print_text


def installed_version() -> str:
    """The version of the installed package."""
    return distribution_version("guestlist")


def version(as_json: Json = False) -> None:
    """Print the versions of Guestlist and of what its answers depend on."""
    parts = {
        "guestlist": installed_version(),
        "python": platform.python_version(),
        "phonenumbers": distribution_version("phonenumbers"),
    }
    if as_json:
        print_json(parts)
    else:
        print_text("\n".join(f"{name} {number}" for name, number in parts.items()))
