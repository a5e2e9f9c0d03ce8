"""The pages a person can open: they load, fit the screen, stay at home and complain of nothing."""

import re
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

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
            drawn = re.compile(r".{200}", re.DOTALL)  # the reference takes a while to draw itself
            await expect(page.locator("body")).to_contain_text(drawn, timeout=30_000)
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


@pytest.mark.parametrize("path", ["people", "people/{psid}", "texts"])
async def test_the_emulators_people_fit_every_screen(browser, look, path, tmp_path):
    async with set_stage(tmp_path) as stage:
        person = await stage.emulator.post("/_emulator/people", {"first_name": "Ana", "phone": "+12125552368"})
        await stage.emulator.post(
            "/_emulator/people/say", {"psid": person["psid"], "text": "W" * 90 + " https://shop.test/" + "a" * 90}
        )
        await stage.emulator.post("/_emulator/texts/say", {"from": "+12125552368", "body": "W" * 120})
        url = f"{stage.emulator_url}/_emulator/{path.format(**person)}"
        async with opened(browser, url, look) as (page, asked, complaints):
            assert "W" * 20 in await page.inner_text("main")
            assert set(asked) <= {"127.0.0.1"}
            assert complaints == []
            assert await overflow(page) <= 0


async def test_a_person_accepts_a_request_taps_and_answers(browser, tmp_path):
    async with set_stage(tmp_path, speed=1.0) as stage:
        person = await stage.emulator.post("/_emulator/people", {"first_name": "Ana", "phone": "+12125552368"})
        graph = stage.app.services.graph.with_token(stage.world["page_token"])
        replies = [{"content_type": "text", "title": "Gladly", "payload": "yes"}]
        message = {"text": "<b>May</b> we write here?", "quick_replies": replies}
        await graph.send_message(stage.world["page_id"], {"recipient": {"phone_number": "+12125552368"}, "message": message})
        async with opened(browser, f"{stage.emulator_url}/_emulator/people/{person['psid']}", {}) as (page, _, complaints):
            await page.get_by_role("button", name="Accept").click()
            await page.get_by_role("button", name="Gladly").click()
            await page.get_by_label("Your message").fill("See you at eight")
            await page.get_by_role("button", name="Send").click()
            await page.get_by_text("See you at eight").wait_for()
            assert await page.get_by_role("region", name="Message request").count() == 0
            assert complaints == []
        seen = await stage.emulator.get(f"/_emulator/people/{person['psid']}")
        assert (seen["request"], [line["text"] for line in seen["lines"]]) == (
            "accepted",
            ["<b>May</b> we write here?", "Gladly", "See you at eight"],
        )
