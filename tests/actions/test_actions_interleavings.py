"""Everything at once on one campaign: after every step counts equal rows, totals add up, and nobody was sent twice."""

import asyncio
import random
from collections import Counter
from contextlib import suppress

import orjson
import pytest
from sqlalchemy import select
from support.scripted import DEAD_TOKEN, DOWN, LOST, NO_PAYMENT, OPTED_OUT, PAGE_ID, THROTTLED, WARMING

from guestlist.actions import campaigns, pages, subscribers
from guestlist.actions.leftovers import settle_leftovers
from guestlist.actions.sending import CampaignHandOver
from guestlist.engine.bucket import TokenBucket
from guestlist.errors import RefusedError
from guestlist.storage import ledgers, recipients, tables, work
from guestlist.storage.instants import to_ms
from guestlist.storage.webhooks import insert_webhook

ERRORS = (LOST, DOWN, THROTTLED, THROTTLED, OPTED_OUT, WARMING, NO_PAYMENT, DEAD_TOKEN)
STEPS = (
    *("claim", "claim", "claim", "recheck", "recheck", "call", "call", "call", "record", "record", "release", "write_again"),
    *("take_over", "take_over", "opt_out", "opt_in", "receive", "receive", "receive", "pause", "resume", "resume"),
    *("reconnect", "wait", "sweep", "sync"),
)
RECEIPTS = ("echoes", "deliveries", "reads", "clicks", "delivery_failed")


class Chaos:
    """One campaign, its lane's owners (some of them zombies), and everybody who may interfere."""

    def __init__(self, house, page, campaign, seed):
        self.house, self.page, self.campaign = house, page, campaign
        self.chance = random.Random(seed)
        self.owners = []
        self.claimed, self.called, self.answered, self.written = [], [], [], []
        self.fence = house.fence

    async def step(self):
        name = self.chance.choice(STEPS)
        await getattr(self, name)()
        return name

    # -- the lane's owners ----------------------------------------------------------------------------------------

    async def take_over(self):
        """A new owner; the old one may live on as a zombie, holding what it claimed."""
        self.fence += 1
        page = await self.house.services.get_page(self.house.workspace_id, self.page["id"])
        await settle_leftovers(self.house.services, page, self.fence)
        self.owners.append(CampaignHandOver(self.house.services, page, TokenBucket(0), fence=self.fence))

    async def claim(self):
        if self.owners:
            owner = self.owners[-1]
            self.claimed += [(owner, each) for each in await owner.claim(self.chance.randint(1, 30))]

    async def recheck(self):
        for owner, group in self._some(self.claimed):
            self.called += [(owner, each) for each in await owner.recheck(group)]

    async def call(self):
        for owner, group in self._some(self.called):
            for each in group:
                if self.chance.random() < 0.3:
                    self.house.graph.script["send"] = [self.chance.choice(ERRORS)]
                    self.house.graph.lost_has_effect = self.chance.random() < 0.5
                self.answered.append((owner, await owner.call(each)))
                self.house.graph.script["send"] = []

    async def record(self):
        for owner, group in self._some(self.answered):
            await owner.record(group)
            self.written += [(owner, each) for each in group]

    async def write_again(self):
        """The answer to a commit was lost: outcomes are written again, perhaps after their rows have moved on."""
        again = self.written[-40:]
        self.answered += self.chance.sample(again, min(len(again), 10))
        await self.record()

    async def release(self):
        for owner, group in self._some(self.claimed):
            await owner.release(group)

    def _some(self, pile):
        """Takes a random part of a pile, by owner. A crash forgets some of it for good."""
        self.chance.shuffle(pile)
        taken, pile[:] = pile[: (cut := self.chance.randint(0, len(pile)))], pile[cut:]
        owners = {id(owner): owner for owner, _ in taken}
        return [(owner, [each for by, each in taken if by is owner]) for owner in owners.values()]

    # -- everybody else -------------------------------------------------------------------------------------------

    async def opt_out(self):
        listed = await self._listed()
        row = self.chance.choice(listed)
        await subscribers.opt_out_subscriber(self.house.services, self.house.workspace_id, row["subscriber_id"], by="chaos")

    async def opt_in(self):
        token = self.chance.choice(self.house.graph.tokens).token
        body = {"type": "notification_messages", "notification_messages_token": token, "title": "Offers"}
        event = {"sender": {"id": "24"}, "recipient": {"id": PAGE_ID}, "timestamp": self._now(), "optin": body}
        await self._receive({"messaging": [event]})

    async def receive(self):
        sent = sorted({token for _, token in self.house.graph.sent})
        changes = []
        for token in self.chance.sample(sent, min(len(sent), 8)):
            for kind in self.chance.sample(RECEIPTS, self.chance.randint(1, 3)):
                value = {"page_id": PAGE_ID, "timestamp": self._now(), "messenger_subscription_token": token}
                value["message_id"] = self.campaign["meta_id"]
                if kind in RECEIPTS[:3] and self.chance.random() < 0.5:
                    value["marketing_message_tracking_id"] = f"track-{self.campaign['meta_id']}-{token}"
                changes.append({"field": f"marketing_message_{kind}", "value": value})
        if changes:
            await self._receive({"changes": changes})

    async def _receive(self, content):
        entry = {"id": PAGE_ID, "time": self._now(), **content}
        body = orjson.dumps({"object": "page", "entry": [entry], "n": self.chance.random()})
        await self.house.services.db.write(lambda tx: insert_webhook(tx, "meta", "", body, self._now()))
        await self.house.run_inbox()

    async def pause(self):
        await self._tried(campaigns.pause_campaign)

    async def resume(self):
        await self._tried(campaigns.resume_campaign)

    async def _tried(self, action):
        with suppress(RefusedError):
            await action(self.house.services, self.house.workspace_id, self.campaign["id"])

    async def reconnect(self):
        again = pages.Connection(self.page["page_id"], self.page["ad_account_id"], "EAAB-new", "EAAB-new")
        await pages.connect_page(self.house.services, self.house.workspace_id, again)

    async def wait(self):
        self.house.clock.move(seconds=self.chance.choice([1, 5, 90, 4000]))

    async def sweep(self):
        await self.house.run_ads()

    async def sync(self):
        await self.house.run_sync(self.page["id"])

    def _now(self):
        return to_ms(self.house.clock.at)

    async def _listed(self):
        services = self.house.services
        return await campaigns.list_recipients(services, self.house.workspace_id, self.campaign["id"], limit=1000)

    # -- what must always hold ------------------------------------------------------------------------------------

    async def check(self):
        counts, rows = await self.house.services.db.read(self._counts_and_rows)
        expected: dict[str, Counter[str]] = {}
        for row in rows:
            reason = row["reason"] if row["state"] in recipients.REASONED else ""
            expected.setdefault(row["state"], Counter())[reason] += 1
        for measure in ("clicked", "opted_out"):
            if n := sum(row[f"{measure}_at"] is not None for row in rows):
                expected[measure] = Counter({"": n})
        assert counts == expected
        found = await campaigns.read_funnel(self.house.services, self.house.workspace_id, self.campaign["id"])
        assert found["recipients"] == 120 == len(rows)
        assert found["recipients"] == found["accepted"] + sum(found["failed"].values()) + found["unknown"] + found["pending"]
        assert max(Counter(self.house.graph.sent).values(), default=0) <= 1

    async def _counts_and_rows(self, tx):
        rows = await tx.fetch_all(select(tables.recipients).where(tables.recipients.c.campaign_id == self.campaign["id"]))
        return await recipients.read_counts(tx, self.house.workspace_id, self.campaign["id"]), rows

    async def end(self):
        """Everybody lets go; what is due is run until nothing is. Nobody may be left over, and the campaign has ended."""
        self.house.fence = self.fence = self.fence + 1
        self.house.graph.lost_has_effect = True
        if self.chance.random() < 0.5:
            await self._tried(campaigns.stop_campaign)
        await self.record()
        await self.release()
        await self.reconnect()
        await self.resume()
        for _ in range(40):
            for lane in await self.house.services.db.read(lambda tx: work.due_lanes(tx, self._now())):
                await self._run(lane.split(":")[0])
            self.house.clock.move(hours=1)
        await self.check()
        found = await campaigns.read_funnel(self.house.services, self.house.workspace_id, self.campaign["id"])
        row = await campaigns.get_campaign(self.house.services, self.house.workspace_id, self.campaign["id"])
        assert found["pending"] == 0
        assert row["state"] in ("finished", "stopped")
        assert await self.house.services.db.read(lambda tx: ledgers.broken_link(tx, self.house.workspace_id)) is None

    async def _run(self, kind):
        of_page = {"page": self.house.run_page, "sync": self.house.run_sync}
        if kind in of_page:
            await of_page[kind](self.page["id"])
        else:
            await {"ads": self.house.run_ads, "inbox": self.house.run_inbox}[kind]()


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_crosses_whatever_it_adds_up_and_ends(house, page, campaign, seed):
    chaos = Chaos(house, page, campaign, seed)
    await chaos.take_over()
    for _ in range(70):
        name = await chaos.step()
        try:
            await chaos.check()
        except AssertionError as error:
            raise AssertionError(f"after {name}") from error
    await chaos.end()


@pytest.mark.parametrize("seed", range(4))
async def test_it_adds_up_when_all_of_it_happens_at_the_same_time(house, page, campaign, seed):
    chaos = Chaos(house, page, campaign, 100 + seed)
    await chaos.take_over()
    for _ in range(12):
        await asyncio.gather(*(chaos.step() for _ in range(6)))
        await chaos.check()
    await chaos.end()
