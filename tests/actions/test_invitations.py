"""Invitations: one message request a person, ever, and what became of each; nothing at all from a suspended Page."""

from __future__ import annotations

import pytest
import pytest_asyncio
from support.messaging import PSID, Desk, open_desk, refused

from guestlist.actions import invitations, matching
from guestlist.actions.acceptances import settle_acceptance
from guestlist.channels.base import Accepted, Remedy
from guestlist.domain.matching import Declaration, PhoneMatching
from guestlist.domain.messages import Channel, Content, Target
from guestlist.storage import contacts as contact_rows

FIRST = 447700900100


@pytest_asyncio.fixture
async def desk(house, page) -> Desk:
    desk = await open_desk(house, page)
    await matching.declare_matching(
        house.services, house.workspace_id, page["id"], PhoneMatching.ENABLED, Declaration(), by="test"
    )
    return desk


async def keep(desk: Desk, *targets: Target) -> list[str]:
    """Contacts of these addresses."""
    services, workspace_id = desk.house.services, desk.house.workspace_id
    made = [(services.ids.new("con"), target) for target in targets]
    now = services.now_ms()

    async def unit(tx):
        await contact_rows.add_contacts(
            tx, [contact_rows.new_contact(workspace_id, each, target, source="list", at=now) for each, target in made]
        )
        places = [(each, place) for each, target in made for place in contact_rows.places_of(target, desk.page["id"])]
        await contact_rows.add_addresses(
            tx, [contact_rows.new_address(workspace_id, each, place, at=now) for each, place in places]
        )

    await services.db.write(unit)
    return [each for each, _ in made]


async def guests(desk: Desk, count: int) -> list[str]:
    return await keep(desk, *(Target(phone=str(FIRST + number), first_name=f"Guest{number}") for number in range(count)))


async def invite(desk: Desk, contact_ids: list[str], text: str = "May we write to you here?", **more) -> invitations.Invited:
    asking = invitations.Asking(desk.page["id"], "Regulars", Content(text=text), **more)
    return await invitations.create_invitation(desk.house.services, desk.house.workspace_id, asking, contact_ids)


async def counts(desk: Desk, invited: invitations.Invited) -> dict[str, int]:
    """What there is of it now, zeros left out."""
    found = await invitations.get_invitation(desk.house.services, desk.house.workspace_id, invited.row["id"])
    return {name: n for name, n in found.counts.items() if n}


async def accept(desk: Desk, contact_id: str) -> None:
    house = desk.house
    place = contact_rows.psid_place(PSID, desk.page["id"])
    await house.services.db.write(
        lambda tx: settle_acceptance(tx, house.services, house.workspace_id, place, contact_id, at=house.services.now_ms())
    )


async def test_every_answer_of_meta_and_of_people_is_counted_once(desk: Desk) -> None:
    people = await guests(desk, 4)
    matched = Accepted("m_1", awaiting=True)
    desk.channels[Channel.MESSENGER].answers = [
        matched,
        refused(Remedy.NEXT, "no_match"),
        Accepted("m_2", awaiting=True),
        refused(Remedy.STOP, "fee_unpaid"),
    ]
    invited = await invite(desk, people)
    assert await counts(desk, invited) == {"queued": 4}
    await desk.run()
    assert await counts(desk, invited) == {"matched": 2, "pending": 2, "no_match": 1, "refused": 1}
    assert invited.row["people"] == 4

    await accept(desk, people[0])
    assert await counts(desk, invited) == {"matched": 2, "pending": 1, "accepted": 1, "no_match": 1, "refused": 1}
    desk.house.clock.move(days=8)
    await desk.run()
    assert await counts(desk, invited) == {"matched": 2, "declined": 1, "accepted": 1, "no_match": 1, "refused": 1}
    assert (await desk.events("request."), await desk.events("opt_in.")) == (["request.accepted"], ["opt_in.received"])


async def test_people_are_found_by_the_import_that_brought_them(desk: Desk) -> None:
    brought, other = await keep(
        desk, Target(phone=str(FIRST), fields={"import": "imp_1"}), Target(phone=str(FIRST + 1), fields={"import": "imp_2"})
    )
    services, workspace_id = desk.house.services, desk.house.workspace_id
    assert await invitations.find_people(services, workspace_id, list_id="imp_1") == [brought]
    assert await invitations.find_people(services, workspace_id, source="list") == [other, brought]
    assert await invitations.find_people(services, workspace_id, source="api") == []


async def test_nobody_is_asked_twice_whatever_they_made_of_it(desk: Desk) -> None:
    people = await guests(desk, 3)
    desk.channels[Channel.MESSENGER].answers = [Accepted("m_1", awaiting=True), refused(Remedy.NEXT, "no_match")]
    await invite(desk, people[:2])
    await desk.run()
    again = await invite(desk, people)
    await desk.run()
    assert (again.skipped, again.row["people"]) == ({"asked_before": 2}, 1)
    asked = [call.body["to"] for call in desk.channels[Channel.MESSENGER].calls]
    assert sorted(asked) == [str(FIRST + number) for number in range(3)]


async def test_who_is_left_out_is_told_by_reason(desk: Desk) -> None:
    stopped, *_ = await guests(desk, 1)
    await desk.opt_out(contact_rows.places_of(Target(phone=str(FIRST)), "")[0])
    phoneless, known = await keep(desk, Target(email="ana@example.com"), Target(phone="447700900999", psid=PSID))
    invited = await invite(desk, [stopped, phoneless, known, "con_00000000000000000000000000"])
    assert invited.skipped == {"opted_out": 1, "no_phone": 1, "reachable": 1, "unknown": 1}
    await desk.run()
    assert (invited.row["people"], desk.calls) == (0, 0)


async def test_a_suspended_page_asks_nobody_and_names_the_audience_route(desk: Desk) -> None:
    people = await guests(desk, 2)
    house = desk.house
    await matching.declare_matching(
        house.services, house.workspace_id, desk.page["id"], PhoneMatching.SUSPENDED, Declaration(), by="test"
    )
    with pytest.raises(invitations.MatchingSuspendedError) as caught:
        await invite(desk, people)
    assert (caught.value.code, "/v1/uploads" in caught.value.remedy) == ("phone_matching_suspended", True)
    assert await invitations.list_invitations(house.services, house.workspace_id) == []


async def test_suspended_between_the_door_and_the_call_it_is_refused(desk: Desk) -> None:
    invited = await invite(desk, await guests(desk, 1))
    house = desk.house
    await matching.declare_matching(
        house.services, house.workspace_id, desk.page["id"], PhoneMatching.SUSPENDED, Declaration(), by="test"
    )
    await desk.run()
    assert (await counts(desk, invited), desk.calls) == ({"refused": 1}, 0)


async def test_a_lost_answer_may_have_been_a_request(desk: Desk) -> None:
    desk.channels[Channel.MESSENGER].answers = [refused(Remedy.LOST, "answer_lost")]
    invited = await invite(desk, await guests(desk, 1))
    await desk.run()
    assert await counts(desk, invited) == {"matched": 1, "pending": 1}
    assert desk.calls == 1


async def test_what_cannot_be_said_asks_nobody(desk: Desk) -> None:
    people = await guests(desk, 1)
    with pytest.raises(invitations.messages.BadMessageError) as caught:
        await invite(desk, people, text="x" * 101)
    assert caught.value.code == "too_long"
    assert await invitations.list_invitations(desk.house.services, desk.house.workspace_id) == []


async def test_what_cannot_be_said_to_one_person_refuses_that_one(desk: Desk) -> None:
    notes = ("Table 7 is yours", "x" * 101)
    people = await keep(desk, *(Target(phone=str(FIRST + n), fields={"note": note}) for n, note in enumerate(notes)))
    invited = await invite(desk, people, text="{{ contact.fields.note }}")
    await desk.run()
    assert await counts(desk, invited) == {"matched": 1, "pending": 1, "refused": 1}
    assert desk.channels[Channel.MESSENGER].said == ["Table 7 is yours"]
