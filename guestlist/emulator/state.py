"""What the emulator shows of itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from .audiences import audience_record, bounds
from .emulator import Emulator
from .things import Audience, Campaign, Page


def show_state(emulator: Emulator) -> dict[str, Any]:
    """Everything in numbers; `webhooks.due` is 0 when nothing more will happen by itself."""
    clock, courier, world = emulator.clock, emulator.courier, emulator.world
    return {
        "clock": {"now": clock.iso(), "unix": clock.now(), "speed": clock.speed},
        "webhooks": {
            "due": emulator.webhooks_due,
            "waiting": len(emulator.scheduler),
            "queued": courier.unfinished + emulator.texts.unfinished,
            **asdict(courier.counts),
        },
        "calls": emulator.log.total,
        "people": {"met": emulator.crowd.met, "existing": emulator.crowd.existing},
        "app": {"id": world.app.id, "callback_url": world.app.callback_url},
        "pages": [_page(emulator, page) for page in world.pages.values()],
        "ad_accounts": [
            {"id": f"act_{one.id}", "name": one.name, "terms_accepted": one.tos_accepted, "spent": one.spent}
            for one in world.accounts.values()
        ],
        "audiences": [_audience(one, clock.now()) for account in world.accounts.values() for one in account.audiences],
        "campaigns": [_campaign(one) for one in world.campaigns.values()],
        "faults": [rule.show() for rule in emulator.faults.rules],
        "webhook_faults": emulator.faults.webhooks.show(),
        "switches": emulator.switches.show(),
    }


def _page(emulator: Emulator, page: Page) -> dict[str, Any]:
    threshold = emulator.config.threshold
    window = emulator.limits.window(page.id)
    return {
        "id": page.id,
        "name": page.name,
        "subscribers": len(page.subscribers),
        "visible": sum(1 for one in page.subscribers if one.visible(threshold)),
        "opted_out": sum(1 for one in page.subscribers if one.opted_out),
        "by_source": dict(Counter(one.source or "OPT_IN_REQUEST" for one in page.subscribers)),
        "subscribed_fields": list(page.subscriptions.get(emulator.world.app.id, ())),
        "rate": {"limit": window.limit, "peak": window.peak, "refused": window.refused},
    }


def _audience(audience: Audience, now: float) -> dict[str, Any]:
    lower, upper = bounds(audience)
    return {
        "id": audience.id,
        "name": audience.name,
        "page_id": audience.page.id if audience.page else None,
        "received": audience.received,
        "invalid": audience.invalid,
        "matched": len(audience.members),
        "lower": lower,
        "upper": upper,
        "operation_status": audience_record(audience, now)["operation_status"],
    }


def _campaign(campaign: Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "page_id": campaign.page.id,
        "status": campaign.status,
        "spent": campaign.spent,
        **asdict(campaign.totals),
    }
