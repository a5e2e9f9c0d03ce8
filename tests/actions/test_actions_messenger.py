"""What surrounds a Page's messages: uploads, personas, its profile, typing, sealed refs; and what takes one message only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from sqlalchemy import update
from support.messaging import PHONE, open_desk, refused
from support.scripted import DEAD_TOKEN, DOWN

from guestlist.actions import attachments, messages, messenger_profiles, personas, refs, sender_actions, snippets
from guestlist.channels.base import Remedy
from guestlist.domain.messages import AddressKind, Channel, Target
from guestlist.errors import DependencyError, GuestlistError, NotAllowedError, NotFoundError, UsageError
from guestlist.graph.base import Persona
from guestlist.storage import contacts as contact_rows
from guestlist.storage import messaging_tables as tables
from guestlist.storage.contacts import place_of
from guestlist.storage.tables import pages

URL = "https://cdn.acme.com/menu.pdf"
MENU = [{"locale": "default", "call_to_actions": [{"type": "postback", "title": "Opening hours", "payload": "HOURS"}]}]


@pytest_asyncio.fixture
async def desk(house, page):
    return await open_desk(house, page)


# -- uploads --------------------------------------------------------------------------------------------------------


async def upload(house, page, url=URL, kind="file"):
    return await attachments.upload_attachment(house.services, house.workspace_id, page_id=page["id"], kind=kind, url=url)


async def test_a_file_is_uploaded_once_and_used_again_until_it_nears_its_end(house, page):
    first = await upload(house, page)
    house.clock.move(hours=24 * 88)
    again = await upload(house, page)
    assert again["attachment_id"] == first["attachment_id"]
    assert house.graph.attachments == [("file", URL)]
    house.clock.move(hours=24 * 1.5)
    later = await upload(house, page)
    assert later["attachment_id"] != first["attachment_id"]
    assert later["expires_at"] - house.services.now_ms() == timedelta(days=90) / timedelta(milliseconds=1)
    assert (await upload(house, page))["attachment_id"] == later["attachment_id"]


async def test_another_kind_or_url_is_another_file(house, page):
    ids = {(await upload(house, page, url, kind))["attachment_id"] for url in (URL, URL + "?2") for kind in ("file", "image")}
    assert len(ids) == 4


@pytest.mark.parametrize(("url", "code"), [("http://127.0.0.1/x", "private_host"), ("menu.pdf", "bad_url")])
async def test_what_meta_cannot_fetch_is_not_uploaded(house, page, url, code):
    with pytest.raises(UsageError) as caught:
        await upload(house, page, url)
    assert (caught.value.code, house.graph.attachments) == (code, [])


async def test_an_upload_that_meta_refuses_is_not_kept(house, page):
    house.graph.script["upload_attachment"] = [DOWN]
    with pytest.raises(DependencyError):
        await upload(house, page)
    assert (await upload(house, page))["attachment_id"]


# -- personas, profile, typing --------------------------------------------------------------------------------------


async def test_personas_come_and_go(house, page):
    make = {"name": "Ana", "picture_url": "https://a.com/ana.png"}
    made = await personas.create_persona(house.services, house.workspace_id, page["id"], **make)
    assert await personas.list_personas(house.services, house.workspace_id, page["id"]) == [Persona(made.id, *make.values())]
    await personas.delete_persona(house.services, house.workspace_id, page["id"], made.id)
    assert await personas.list_personas(house.services, house.workspace_id, page["id"]) == []


@pytest.mark.parametrize(("name", "code"), [("x" * 51, "bad_name"), ("", "bad_name"), ("x" * 50, None)])
async def test_a_personas_name_has_a_limit(house, page, name, code):
    try:
        await personas.create_persona(house.services, house.workspace_id, page["id"], name=name, picture_url="https://a.com/x")
        refused = None
    except UsageError as error:
        refused = error.code
    assert (refused, len(house.graph.personas)) == (code, 0 if code else 1)


async def test_a_profile_is_set_field_by_field_and_cleared(house, page):
    for given in ({"greeting": [{"locale": "default", "text": "Hi"}]}, {"persistent_menu": MENU}):
        found = await messenger_profiles.set_profile(house.services, house.workspace_id, page["id"], given)
    assert found == {"greeting": [{"locale": "default", "text": "Hi"}], "persistent_menu": MENU}
    await messenger_profiles.clear_profile(house.services, house.workspace_id, page["id"], ["greeting"])
    assert await messenger_profiles.read_profile(house.services, house.workspace_id, page["id"]) == {"persistent_menu": MENU}
    await messenger_profiles.clear_profile(house.services, house.workspace_id, page["id"])
    assert house.graph.profile == {}


def menu(count=1, **item):
    items = [{"type": "postback", "title": "t", "payload": "p", **item}] * count
    return {"persistent_menu": [{"locale": "default", "call_to_actions": items}]}


QUESTION = {"question": "When?", "payload": "WHEN"}
PROFILES = [
    ({}, "profile", "missing"),
    ({"theme": "dark"}, "theme", "not_supported"),
    ({"get_started": {}}, "get_started.payload", "missing"),
    ({"get_started": {"payload": "x" * 1001}}, "get_started.payload", "too_long"),
    ({"greeting": []}, "greeting", "bad_value"),
    ({"greeting": [{"locale": "default"}]}, "greeting.0.text", "missing"),
    ({"ice_breakers": [QUESTION] * 5}, "ice_breakers.4", "too_many"),
    ({"ice_breakers": [{"question": "When?"}]}, "ice_breakers.0.payload", "missing"),
    (
        {"ice_breakers": [{"locale": "default", "call_to_actions": [QUESTION] * 5}]},
        "ice_breakers.0.call_to_actions.4",
        "too_many",
    ),
    (menu(21), "persistent_menu.0.call_to_actions.20", "too_many"),
    (menu(title="x" * 31), "persistent_menu.0.call_to_actions.0.title", "too_long"),
    (menu(payload=""), "persistent_menu.0.call_to_actions.0.payload", "missing"),
    (menu(type="nested"), "persistent_menu.0.call_to_actions.0.type", "not_supported"),
    (menu(type="web_url", url="http://a.com"), "persistent_menu.0.call_to_actions.0.url", "not_https"),
    ({"whitelisted_domains": ["shop"]}, "whitelisted_domains.0", "bad_url"),
]


@pytest.mark.parametrize(("given", "field", "code"), PROFILES, ids=[f"{row[1]} {row[2]}" for row in PROFILES])
async def test_a_profile_that_meta_would_not_take_is_refused_by_field(house, page, given, field, code):
    with pytest.raises(UsageError) as caught:
        await messenger_profiles.set_profile(house.services, house.workspace_id, page["id"], given)
    assert [(each["field"], each["code"]) for each in caught.value.data["errors"]] == [(field, code)]
    assert "set_messenger_profile" not in {name for name, _ in house.graph.calls}


async def test_a_profile_at_its_limits_is_set(house, page):
    full = {
        "get_started": {"payload": "x" * 1000},
        "ice_breakers": [QUESTION] * 4,
        "whitelisted_domains": ["https://shop.acme.com"],
        **menu(20, title="x" * 30),
    }
    assert await messenger_profiles.set_profile(house.services, house.workspace_id, page["id"], full) == full


async def test_typing_is_shown_to_one_person(house, page):
    await sender_actions.send_action(house.services, page, "78", sender_actions.SenderAction.TYPING_ON)
    assert house.graph.calls[-1] == ("send_action", ("78", "typing_on"))


@pytest.mark.parametrize(
    "call",
    [
        lambda services, ws, page: personas.list_personas(services, ws, page["id"]),
        lambda services, ws, page: messenger_profiles.read_profile(services, ws, page["id"]),
        lambda services, ws, page: sender_actions.send_action(services, page, "78", sender_actions.SenderAction.MARK_SEEN),
    ],
)
async def test_a_dead_token_is_told_as_such(house, page, call):
    for name in ("list_personas", "read_messenger_profile", "send_action"):
        house.graph.script[name] = [DEAD_TOKEN]
    with pytest.raises(NotAllowedError) as caught:
        await call(house.services, house.workspace_id, page)
    assert "token" in caught.value.remedy


async def test_another_workspaces_page_is_not_found(house, page):
    with pytest.raises(NotFoundError):
        await personas.list_personas(house.services, "wsp_other", page["id"])
    with pytest.raises(NotFoundError):
        await attachments.upload_attachment(house.services, "wsp_other", page_id=page["id"], kind="file", url=URL)


# -- refs -----------------------------------------------------------------------------------------------------------

STATE = {"profileId": "ada@example.com", "plan": ["a", 1, None]}


async def test_a_ref_brings_its_state_back_and_shows_none_of_it(house):
    text = refs.seal_ref(house.services, house.workspace_id, STATE)
    assert refs.open_ref(house.services, house.workspace_id, text) == STATE
    assert "ada" not in text
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


async def test_a_ref_opens_until_its_time_is_over(house):
    text = refs.seal_ref(house.services, house.workspace_id, STATE, until=house.clock.now() + timedelta(hours=1))
    house.clock.move(minutes=59)
    assert refs.open_ref(house.services, house.workspace_id, text) == STATE
    house.clock.move(minutes=1)
    with pytest.raises(refs.BadRefError) as caught:
        refs.open_ref(house.services, house.workspace_id, text)
    assert caught.value.code == "ref_expired"


async def test_a_ref_of_another_workspace_does_not_open(house):
    text = refs.seal_ref(house.services, "wsp_other", STATE)
    with pytest.raises(refs.BadRefError):
        refs.open_ref(house.services, house.workspace_id, text)


async def test_no_changed_ref_opens(house):
    """Every character counts, the first and the last as well."""
    text = refs.seal_ref(house.services, house.workspace_id, {"id": 1})
    changed = [text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :] for at in range(len(text))]
    for bad in [*changed, text[:-1], text + "A", text + "=", "", "A", "ref", "é", "a" * 3000, text[:20]]:
        with pytest.raises(refs.BadRefError):
            refs.open_ref(house.services, house.workspace_id, bad)


async def test_a_state_that_does_not_fit_into_a_url_is_refused(house):
    longest = refs.seal_ref(house.services, house.workspace_id, {"x": "x" * 1490})
    assert len(longest) <= 2083
    with pytest.raises(UsageError) as caught:
        refs.seal_ref(house.services, house.workspace_id, {"x": "x" * 1600})
    assert caught.value.code == "ref_too_long"


async def test_a_button_for_the_website_leads_to_the_page_with_a_ref(house, page):
    made = await snippets.make_snippet(
        house.services, house.workspace_id, page["id"], {"ref": "spring"}, days=30, label="Ask <us>"
    )
    url = urlsplit(made.url)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"https://m.me/{page['page_id']}"
    [ref] = parse_qs(url.query)["ref"]
    assert refs.open_ref(house.services, house.workspace_id, ref) == {"ref": "spring"}
    assert made.html == f'<a href="{made.url}" target="_blank" rel="noopener">Ask &lt;us&gt;</a>'
    house.clock.move(hours=24 * 30)
    with pytest.raises(refs.BadRefError):
        refs.open_ref(house.services, house.workspace_id, ref)


# -- one message only -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (Target(comment_id="105_9"), "already_replied"),
        (Target(post_id="105_1"), "already_replied"),
        (Target(user_ref="ref-1"), "user_ref_spent"),
    ],
)
async def test_a_comment_a_post_and_a_user_ref_take_one_message(desk, target, code):
    await desk.send(desk.draft("messenger", to=target))
    for _ in range(2):  # while it waits, and once it is out
        with pytest.raises(GuestlistError) as caught:
            await desk.send(desk.draft("messenger", to=target))
        assert caught.value.code == code
        await desk.run()
    assert len(desk.channels[Channel.MESSENGER].calls) == 1


async def test_a_private_reply_that_was_refused_may_be_tried_again(desk):
    desk.channels[Channel.MESSENGER].answers = [refused(Remedy.STOP, "bad_media")]
    for _ in range(2):
        await desk.send(desk.draft("messenger", to=Target(comment_id="105_9")))
        await desk.run()
    assert len(desk.channels[Channel.MESSENGER].calls) == 2


async def test_of_two_private_replies_accepted_at_once_only_the_first_goes(desk):
    drafts = [desk.draft("messenger", "sms", to=Target(comment_id="105_9", phone=PHONE), text=words) for words in ("One", "Two")]
    sent = await messages.send_batch(desk.house.services, desk.house.workspace_id, [messages.Request(each) for each in drafts])
    await desk.run()
    assert [await desk.state(row) for row in sent] == [("sent", "messenger"), ("sent", "sms")]
    assert desk.channels[Channel.MESSENGER].said == ["One"]


async def test_a_comment_is_too_old_a_week_after_it_was_written(desk):
    house, page = desk.house, desk.page
    place = place_of(AddressKind.COMMENT, "105_9", page["id"])

    async def written(tx):
        row = contact_rows.new_contact(house.workspace_id, "con_1", Target(), source="inbound", at=house.services.now_ms())
        await contact_rows.add_contacts(tx, [row])
        new = contact_rows.new_address(house.workspace_id, "con_1", place, at=house.services.now_ms())
        await contact_rows.add_addresses(tx, [new])
        await tx.execute(
            update(tables.addresses).where(tables.addresses.c.value == "105_9").values(opened_at=house.services.now_ms())
        )

    await house.services.db.write(written)
    house.clock.move(hours=24 * 7)
    with pytest.raises(GuestlistError) as caught:
        await desk.send(desk.draft("messenger", to=Target(comment_id="105_9")))
    assert caught.value.code == "too_old_to_reply"


async def test_the_names_we_keep_go_along_with_a_phone_number(desk):
    enabled = update(pages).values(capabilities='{"phone_matching": "enabled"}')
    await desk.house.services.db.write(lambda tx: tx.execute(enabled))
    seen = []
    channel = desk.channels[Channel.MESSENGER]
    build = channel.build

    def note(draft, route):
        seen.append((draft.to.first_name, draft.to.last_name))
        return build(draft, route)

    channel.build = note
    await desk.send(desk.draft("sms", to=Target(phone=PHONE, first_name="Ana", last_name="Diaz")))
    await desk.send(desk.draft("messenger", to=Target(phone=PHONE)))
    await desk.send(desk.draft("messenger", to=replace(Target(phone=PHONE), last_name="Roe")))
    assert seen == [("Ana", "Diaz"), ("Ana", "Roe")]
