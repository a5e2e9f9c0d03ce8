"""What becomes of an accepted message: echo, delivery or late failure, read, click, opt-out, reply (fact page 5.6, 5.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import threads
from .adaccounts import PRICE
from .campaigns import bill
from .crowd import Traits
from .emulator import Emulator
from .things import Campaign, Subscriber
from .webhooks import Event

FAILURES = (
    "Message could not be delivered because the person is no longer available.",
    "Message could not be delivered. Please try again later.",
    "Diese Nachricht konnte nicht zugestellt werden: Empfänger nicht verfügbar.",
)
REPLIES = ("Yes please!", "How much is it?", "Für mich auch, bitte ☕", "Where is your shop?")


@dataclass(frozen=True, slots=True)
class Sent:
    """One accepted message on its way."""

    emulator: Emulator
    subscriber: Subscriber
    campaign: Campaign
    tracking_id: str
    traits: Traits
    mid: str

    def follow(self, now: float) -> None:
        """The echo at once, the rest when its time comes."""
        self._emit("marketing_message_echoes", now, mid=True, tracking=True, app=True)
        if self.traits.late_failure:
            self.emulator.later(now + self.traits.fail_after, self._fail)
        else:
            self.emulator.later(now + self.traits.deliver_after, self._deliver)

    def _fail(self, at: float) -> None:
        self.campaign.totals.failed += 1
        text = FAILURES[self.emulator.crowd.number(self.subscriber.person, "failure") % len(FAILURES)]
        value = {
            "app_id": self.emulator.world.app.id,
            "business_id": self.campaign.account.business_id,
            "page_id": self.campaign.page.id,
            "messenger_subscription_token": self.subscriber.token,
            "timestamp": int(at * 1000),
            "error_message": text,
            "message_id": self.campaign.id,
        }
        self.emulator.emit(Event(self.campaign.page.id, "marketing_message_delivery_failed", value, at))

    def _deliver(self, at: float) -> None:
        self.campaign.totals.delivered += 1
        bill(self.campaign, PRICE, at)
        self._emit("marketing_message_deliveries", at, mid=True, tracking=True, app=True)
        if self.traits.reads:
            self.emulator.later(at + self.traits.read_after, self._read)

    def _read(self, at: float) -> None:
        self.campaign.totals.read += 1
        self._emit("marketing_message_reads", at, mid=False, tracking=True, app=True)
        if self.traits.opts_out and not self.subscriber.opted_out:
            self.subscriber.opted_out = True  # silently: paid messages have no opt-out webhook
            self.campaign.totals.opted_out += 1
            return
        if self.traits.clicks:
            self.emulator.later(at + self.traits.click_after, self._click)
        if self.traits.replies:
            self.emulator.later(at + self.traits.reply_after, self._reply)

    def _click(self, at: float) -> None:
        self.campaign.totals.clicked += 1
        self._emit("marketing_message_clicks", at, mid=True, tracking=False, app=False)

    def _reply(self, at: float) -> None:
        """Writing back reveals the person: from now on there is a thread with a PSID."""
        self.campaign.totals.replied += 1
        text = REPLIES[self.emulator.crowd.number(self.subscriber.person, "reply") % len(REPLIES)]
        say(self.emulator, self.subscriber, text, at)

    def _emit(self, field: str, at: float, *, mid: bool, tracking: bool, app: bool) -> None:
        thread, page = self.subscriber.thread, self.campaign.page
        value: dict[str, Any] = {"page_id": page.id, "timestamp": int(at * 1000)}
        if thread is not None:
            value["recipient_id"] = thread.psid
            if mid:
                value["mid"] = self.mid
        elif self.emulator.switches["list_born_ids"] == "null":
            value["recipient_id"] = None
            if mid:
                value["mid"] = None
        if app:
            value["app_id"] = self.emulator.world.app.id
        if tracking:
            value["marketing_message_tracking_id"] = self.tracking_id
        value["messenger_subscription_token"] = self.subscriber.token
        value["message_id"] = self.campaign.id
        self.emulator.emit(Event(page.id, field, value, at))


def say(emulator: Emulator, subscriber: Subscriber, text: str, at: float) -> None:
    """A subscriber writes to the Page, which gives a list-born person a PSID."""
    thread = subscriber.thread or emulator.world.open_thread(subscriber.page, subscriber.person)
    threads.say(emulator, thread, {"text": text}, at)
