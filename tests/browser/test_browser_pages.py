"""The pages a person can open: they load, fit the screen, stay at home and complain of nothing."""

from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from guestlist.cli.demo_run import set_stage


@asynccontextmanager
async def opened(browser, url, look):
    """The page, and what it asked for or complained of."""
    context = await browser.new_context(**look)
    page = await context.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(urlsplit(request.url).hostname))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(url, wait_until="networkidle")
    yield page, asked, complaints
    await context.close()


async def overflow(page):
    """Pixels by which the page is wider than the screen."""
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.fixture(params=["emulator", "reference"])
def place(request):
    return request.param


async def test_pages_load_fit_and_ask_nobody_else(browser, look, place, tmp_path):
    async with set_stage(tmp_path) as stage:
        url = f"{stage.emulator_url}/_emulator" if place == "emulator" else f"{stage.server_url}/docs"
        async with opened(browser, url, look) as (page, asked, complaints):
            assert len(await page.inner_text("body")) > 200
            assert set(asked) <= {"127.0.0.1"}
            assert complaints == []
            assert await overflow(page) <= 0


async def test_the_emulators_buttons_move_its_clock(browser, tmp_path):
    async with set_stage(tmp_path, speed=1.0) as stage:
        before = (await stage.emulator.get("/_emulator/clock"))["unix"]
        async with opened(browser, f"{stage.emulator_url}/_emulator", {}) as (page, _, complaints):
            await page.get_by_role("button", name="+ 1 hour").first.click()
            await page.wait_for_timeout(300)
            assert (await stage.emulator.get("/_emulator/clock"))["unix"] - before > 3500
            assert complaints == []
