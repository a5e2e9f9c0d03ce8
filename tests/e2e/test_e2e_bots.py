"""The bots of the guide, as they stand there: a person writes, Guestlist tells the bot, the bot answers, the person gets it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from support.telling import serving

from guestlist.actions import access
from guestlist.cli.demo_messages import act, add_person
from guestlist.cli.demo_run import Stage, connect

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "write-a-bot.md"
KEYWORD_BOT, RASA, MODEL = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest_asyncio.fixture
async def ready(stage: Stage) -> Stage:
    """A connected Page."""
    await connect(stage, lambda line: None)
    return stage


@asynccontextmanager
async def running_bot(stage: Stage, monkeypatch: pytest.MonkeyPatch, *snippets: str) -> AsyncIterator[str]:
    """The guide's bot behind an endpoint, with its snippets run one after the other; its address."""
    names: dict[str, Any] = {"__name__": "guide"}

    async def hear(request: web.Request) -> web.StreamResponse:
        return await names["hear"](request)

    async with serving(hear) as port:
        url = f"http://127.0.0.1:{port}/hooks"
        endpoint = await stage.api.post("/v1/endpoints", {"name": "bot", "url": url, "kinds": ["message.received"]})
        _, key = await access.create_key(stage.app.services, stage.app.workspace_id, "bot")
        given = {"WEBHOOK_SECRET": endpoint["secret"], "GUESTLIST_URL": stage.server_url, "GUESTLIST_KEY": key}
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        for snippet in snippets:
            exec(compile(snippet, str(GUIDE), "exec"), names)  # noqa: S102 (the guide's own code)
        yield url


async def chat(stage: Stage, *texts: str) -> list[tuple[str, str]]:
    """What somebody sees who writes these texts, waiting for an answer to each."""
    person = await add_person(stage, "Jonas")
    lines: list[tuple[str, str]] = []
    async with asyncio.timeout(30):
        for number, text in enumerate(texts, 1):
            await act(stage, "say", person, text=text)
            while len(lines) < 2 * number:
                seen = await stage.emulator.get(f"/_emulator/people/{person['psid']}")
                lines = [(line["by"], line["text"]) for line in seen["lines"]]
                await asyncio.sleep(0.05)
    return lines


async def test_the_keyword_bot_answers_whoever_writes(ready: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_bot(ready, monkeypatch, KEYWORD_BOT):
        lines = await chat(ready, "What are your HOURS?", "Hello")
    assert lines == [
        ("person", "What are your HOURS?"),
        ("page", "We are open from 8 to 18."),
        ("person", "Hello"),
        ("page", "Ask me for our hours or for the menu."),
    ]


async def test_nobody_else_makes_the_bot_write(ready: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_bot(ready, monkeypatch, KEYWORD_BOT) as url, aiohttp.ClientSession() as session:
        async with session.post(url, json={"type": "message.received"}) as answered:
            assert answered.status == 401
    assert (await ready.api.get("/v1/messages"))["data"] == []


async def test_the_bridge_to_rasa_says_what_rasa_says(ready: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    async def rasa(request: web.Request) -> web.Response:
        asked.append({"path": request.path, **await request.json()})
        return web.json_response([{"recipient_id": "1", "text": "For how many?"}, {"image": "x"}, {"text": "And when?"}])

    async with AsyncExitStack() as stack:
        monkeypatch.setenv("RASA_URL", f"http://127.0.0.1:{await stack.enter_async_context(serving(rasa))}")
        await stack.enter_async_context(running_bot(ready, monkeypatch, KEYWORD_BOT, RASA))
        lines = await chat(ready, "A table, please")
    assert lines == [("person", "A table, please"), ("page", "For how many?\nAnd when?")]
    [call] = asked
    assert (call["path"], call["message"]) == ("/webhooks/rest/webhook", "A table, please")
    assert call["sender"].startswith("con_")


async def test_the_bridge_to_a_model_says_what_the_model_says(ready: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    async def model(request: web.Request) -> web.Response:
        asked.append({"path": request.path, **await request.json()})
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": "We open at eight."}}]})

    async with AsyncExitStack() as stack:
        monkeypatch.setenv("MODEL_URL", f"http://127.0.0.1:{await stack.enter_async_context(serving(model))}/v1")
        await stack.enter_async_context(running_bot(ready, monkeypatch, KEYWORD_BOT, MODEL))
        lines = await chat(ready, "When do you open?")
    assert lines == [("person", "When do you open?"), ("page", "We open at eight.")]
    [call] = asked
    assert (call["path"], call["messages"][1]) == ("/v1/chat/completions", {"role": "user", "content": "When do you open?"})
