"""docs/reference/sms.md and email.md are what the tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestlist.channels.email import handbook as email
from guestlist.channels.sms import handbook as sms
from guestlist.domain.providers import PROVIDERS

PAGES = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize(("name", "module"), [("sms", sms), ("email", email)])
def test_the_page_is_up_to_date(name: str, module) -> None:
    fresh = "\n".join(module.handbook()) + "\n"
    run = f"python -m guestlist.channels.{name}.handbook > docs/reference/{name}.md"
    assert (PAGES / f"{name}.md").read_text(encoding="utf-8") == fresh, run


def test_every_setting_and_secret_is_on_its_page() -> None:
    for (channel, _), provider in PROVIDERS.items():
        text = (PAGES / f"{channel.value}.md").read_text(encoding="utf-8")
        names = [setting.name for setting in provider.settings] + [*provider.secrets, *provider.optional_secrets]
        assert [name for name in names if f"`{name}`" not in text] == []
