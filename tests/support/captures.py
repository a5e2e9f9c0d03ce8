"""Captures that the handbook shows: played for real, and compared with the page as far as ids and times go.

`PYTHONPATH=tests python -m support.captures` prints a fresh one of the message that goes on to SMS.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from guestlist.cli.demo_messages import PHONE, act, add_person, connect_phone, wait_for
from guestlist.cli.demo_run import Stage, connect, set_stage
from guestlist.storage import messaging_tables as tables

PROGRAM = [sys.executable, "-m", "guestlist"]
WIDTH = "120"
_VARYING = re.compile(r"(?P<id>\b[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}\b)|(?P<time>\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?(\.\d+)?)")


def mask(capture: str) -> str:
    """The capture without what differs from one run to the next: ids by their kind, times."""
    return _VARYING.sub(lambda found: found["id"][:4] + "…" if found["id"] else "(time)", capture)


async def capture_fallback(stage: Stage) -> str:
    """What `guestlist messages show` prints of a message that Messenger refused and SMS carried.

    The person wrote more than a day ago. We were told later than it happened, so we take the window for open; Meta does not.
    """
    page = await connect(stage, lambda line: None)
    await connect_phone(stage, lambda line: None)
    person = await add_person(stage, "Ines", PHONE)
    await act(stage, "say", person, text="Do you have plum cake?")
    given = {
        "to": {"psid": person["psid"], "phone": PHONE},
        "rules": [{"channel": "messenger", "account": page["id"]}, "sms"],
        "text": "Your order is ready.",
        "metadata": {"order": "A-7"},
    }
    while (await stage.api.post("/v1/messages/explain", given))["taken"] != 1:
        await asyncio.sleep(0.05)
    services, day_later = stage.app.services, stage.app.services.clock.now() + timedelta(hours=25)
    await stage.emulator.post("/_emulator/clock", {"advance_seconds": timedelta(hours=25).total_seconds()})
    while services.clock.now() < day_later:
        await asyncio.sleep(0.05)
    late = services.now_ms()
    told_late = update(tables.addresses).where(tables.addresses.c.value == person["psid"]).values(opened_at=late)
    await services.db.write(lambda tx: tx.execute(told_late))
    sent = await stage.api.post("/v1/messages", given)
    await wait_for(stage, f"/v1/messages/{sent['id']}", lambda found: found["state"] == "delivered")
    return await show(stage, str(sent["id"]))


async def show(stage: Stage, message_id: str) -> str:
    """The command's own output."""
    settings = stage.app.settings
    given = {"GUESTLIST_DATA": str(settings.data), "DATABASE_URL": settings.database_url, "COLUMNS": WIDTH, "TZ": "UTC"}
    command = (*PROGRAM, "messages", "show", message_id)
    around = {name: value for name, value in os.environ.items() if not name.startswith("GUESTLIST_")}
    process = await asyncio.create_subprocess_exec(*command, env={**around, **given}, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    lines = (line.rstrip() for line in out.decode().splitlines())
    return "\n".join([f"$ guestlist messages show {message_id}", *lines])


async def main() -> None:
    """Prints a fresh capture."""
    with tempfile.TemporaryDirectory() as folder:
        async with set_stage(Path(folder), speed=1.0) as stage:
            print(await capture_fallback(stage))


if __name__ == "__main__":
    asyncio.run(main())
