"""Debian's Chromium, driven by Playwright. Without a browser these tests are skipped; CI installs one and insists."""

import os
import shutil

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
INSISTED = bool(os.environ.get("GUESTLIST_TEST_BROWSER"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}


def pytest_collection_modifyitems(items):
    if CHROMIUM or INSISTED:
        return
    for item in items:
        if "browser" in str(item.path):
            item.add_marker(pytest.mark.skip(reason="no Chromium on this machine; .ci/run installs one"))


@pytest_asyncio.fixture
async def browser():
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        await opened.close()


@pytest.fixture(params=[(width, scheme) for width in WIDTHS for scheme in ("light", "dark")], ids="-".join)
def look(request):
    """How a page is looked at: the arguments of a browser context."""
    width, scheme = request.param
    return {"viewport": WIDTHS[width], "color_scheme": scheme}
