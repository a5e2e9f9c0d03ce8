"""Comapi's profiles (2.6), over contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from starlette.responses import Response

from guestlist.actions import contacts, erasures
from guestlist.actions.contacts import Address, Facts, Person
from guestlist.actions.opt_ins import state_opt_ins
from guestlist.api.dialects.base import Call, answer_json, check_model
from guestlist.domain.messages import AddressKind, Channel
from guestlist.errors import GuestlistError, NotAllowedError, NotFoundError
from guestlist.storage.base import Row, Transaction
from guestlist.storage.opt_ins import find_granted

from .errors import ValidationError, fail, list_failures
from .message_models import Wire, Word
from .people import find_profile
from .profile_models import ProfileRead, read_profile
from .profile_queries import build_wanted, fits, read_query
from .profile_shapes import KINDS, etag_of, profile_id_of, tell_profile
from .session_tokens import SessionCaller
from .words import CHANNEL_IDS, CHANNELS, DIALECT_NAME

PAGE = 500
MOST_LOOKED_THROUGH = 20_000
"""Profiles that a query looks through which the database cannot answer by itself."""
LARGEST_BULK = 1000

REPLACED = ("phoneNumber", "email")
"""Addresses of which a profile has one. A Messenger id is Meta's to give: it is added, and never taken away here."""


# -- read -----------------------------------------------------------------------------------------------------------


async def list_profiles(call: Call) -> Response:
    """`GET /profiles`: newest first."""
    query = read_query(call.asked.query)
    wanted, left = build_wanted(query.conditions)
    found: list[dict[str, Any]] = []
    after, looked = None, 0
    while len(found) < query.skip + query.limit:
        people = await contacts.list_contacts(call.services, call.workspace_id, wanted=wanted, after=after, limit=PAGE)
        told = (tell_profile(each.row, each.addresses) for each in people)
        found += [profile for profile in told if fits(profile, left)]
        looked += len(people)
        if len(people) < PAGE:
            break
        if looked >= MOST_LOOKED_THROUGH:
            sentence = f"This looks through more than {MOST_LOOKED_THROUGH:,} profiles: add a field with its exact text."
            raise ValidationError([fail("query", sentence)])
        after = people[-1].row["id"]
    window = found[query.skip : query.skip + query.limit]
    return answer_json([_project(each, query.fields, system=query.system) for each in window])


def _project(profile: dict[str, Any], fields: tuple[str, ...], *, system: bool) -> dict[str, Any]:
    kept = {name: value for name, value in profile.items() if system or not name.startswith("_")}
    return {name: value for name, value in kept.items() if name in ("id", *fields)} if fields else kept


async def get_profile(call: Call) -> Response:
    """`GET /profiles/{profileId}`, with its `ETag`."""
    return _tell(await _get(call))


def _tell(person: Person, status: int = 200) -> Response:
    profile = tell_profile(person.row, person.addresses)
    return answer_json(profile, status, {"ETag": etag_of(person.row)})


async def _get(call: Call) -> Person:
    contact = await _find(call, call.path["profile_id"])
    if contact is None:
        raise NotFoundError("There is no such profile.", remedy="Create it with POST /profiles.")
    return await contacts.get_contact(call.services, call.workspace_id, contact["id"])


async def _find(call: Call, profile_id: str) -> Row | None:
    async def unit(tx: Transaction) -> Row | None:
        return await find_profile(tx, call.workspace_id, profile_id)

    return await call.services.db.read(unit)


# -- write ----------------------------------------------------------------------------------------------------------


async def create_profile(call: Call) -> Response:
    """`POST /profiles`: 201; 409 where the id, or one of the addresses, is somebody's."""
    read = read_profile(call.json())
    person = await contacts.create_contact(call.services, call.workspace_id, build_facts(read, {}))
    response = _tell(person, 201)
    response.headers["Location"] = f"{call.asked.url.rstrip('/')}/{quote(profile_id_of(person.row), safe='@')}"
    return response


async def replace_profile(call: Call) -> Response:
    """`PUT /profiles/{profileId}`: what is not given is taken away; but for Messenger ids and Facebook's profile."""
    person, read = await _get(call), _read_for(call)
    kept = orjson.loads(person.row["fields"])
    gone = {name: None for name in kept if not name.startswith("_")}
    named = {**dict.fromkeys(("firstName", "lastName", *REPLACED)), **read.named}
    return _tell(await _change(call, person, ProfileRead(read.id, named, {**gone, **read.fields})))


async def patch_profile(call: Call) -> Response:
    """`PATCH /profiles/{profileId}`: merges; null, or a name in `deletes`, takes away; `allowcreate=true` makes it: 201."""
    read = _read_for(call)
    names = [name.strip() for name in (call.asked.find_query("deletes") or "").split(",") if name.strip()]
    if wrong := [name for name in names if name.startswith("_") or name == "id"]:
        raise ValidationError([fail("deletes", f"{len(wrong)} of these are fields of the system")])
    known = ("firstName", "lastName", *KINDS)
    named = {**read.named, **{name: None for name in names if name in known}}
    read = ProfileRead(read.id, named, {**read.fields, **{name: None for name in names if name not in known}})
    contact = await _find(call, call.path["profile_id"])
    if contact is None and call.asked.find_query("allowcreate") == "true":
        facts = build_facts(ProfileRead(call.path["profile_id"], read.named, read.fields), {})
        return _tell(await contacts.create_contact(call.services, call.workspace_id, facts), 201)
    return _tell(await _change(call, await _get(call), read))


def _read_for(call: Call) -> ProfileRead:
    """The body, for the profile in the path. Errors: ValidationError where it names another."""
    read = read_profile(call.json())
    if read.id not in ("", call.path["profile_id"]):
        raise ValidationError([fail("id", "is not the profile's in the path")])
    return read


async def _change(call: Call, person: Person, read: ProfileRead) -> Person:
    """The change, then the addresses that another took the place of. One that was opted out stays, so that nothing goes there."""
    _check_messenger_id(call, person, read)
    services, workspace_id, contact_id = call.services, call.workspace_id, person.row["id"]
    own_id = read.id if person.row["external_id"] else ""  # a GUID of ours does not become the business's own id
    facts = build_facts(ProfileRead(own_id, read.named, read.fields), orjson.loads(person.row["fields"]))
    changed = await contacts.change_contact(services, workspace_id, contact_id, facts, version=read_version(call))
    for row in changed.addresses:
        name = next((each for each in REPLACED if KINDS[each].value == row["kind"]), "")
        if name in read.named and row["value"] != read.named[name] and row["opted_out_at"] is None:
            address = Address(AddressKind(row["kind"]), row["value"])
            changed = await contacts.remove_address(services, workspace_id, contact_id, address)
    return changed


def _check_messenger_id(call: Call, person: Person, read: ProfileRead) -> None:
    """Errors: NotAllowedError for an app that gives its profile a Messenger id: nobody has proven that it is the person's."""
    given = read.named.get("fbMessengerId")
    known = [row["value"] for row in person.addresses if row["kind"] == AddressKind.PSID.value]
    if given and given not in known and isinstance(call.caller, SessionCaller):
        raise NotAllowedError("An app cannot give a Messenger id.", remedy="Make a state, and let the person come by its ref.")


def build_facts(read: ProfileRead, kept: Mapping[str, Any]) -> Facts:
    """What the action takes. Fields of the system (`_…`) stay as they are kept."""
    columns = {"firstName": "first_name", "lastName": "last_name"}
    plain = {columns[name]: value or "" for name, value in read.named.items() if name in columns}
    addresses = [Address(KINDS[name], value) for name, value in read.named.items() if name in KINDS and value]
    fields = {name: value for name, value in read.fields.items() if value is not None or name in kept}
    return Facts(external_id=read.id or None, plain=plain, fields=fields, addresses=addresses)


def read_version(call: Call) -> int | None:
    """The version in `If-Match`; None without one, or with `*`. What no version can be matches none."""
    given = call.asked.headers.get("if-match", "*").strip()
    if given == "*":
        return None
    text = given.removeprefix("W/").strip('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


async def delete_profile(call: Call) -> Response:
    """`DELETE /profiles/{profileId}`: 204. With `forget=true` what was said both ways is erased too."""
    person = await _get(call)
    version = read_version(call)
    if version not in (None, person.row["version"]):
        raise contacts.ContactChangedError(remedy="Read it again, and repeat the deletion with its new ETag.")
    await _delete(call, person.row["id"])
    return Response(status_code=204)


async def _delete(call: Call, contact_id: str) -> None:
    if call.asked.find_query("forget") == "true":
        await erasures.forget_contact(call.services, call.workspace_id, contact_id)
    else:
        await erasures.delete_contact(call.services, call.workspace_id, contact_id)


# -- many -----------------------------------------------------------------------------------------------------------


async def patch_profiles(call: Call) -> Response:
    """`PATCH /profiles/bulk`: an array of profiles with ids, each merged or made, each answered by itself."""
    told: list[dict[str, Any]] = []
    for index, given in enumerate(_read_array(call)):
        try:
            read = read_profile(given)
            if not read.id:
                raise ValidationError([fail("id", "is needed")])
            told.append({"index": index, "id": await _merge(call, read)})
        except GuestlistError as error:
            if error.status >= 500:
                raise
            told.append({"index": index, "validationFailures": list_failures(error)})
    return answer_json(told)


async def _merge(call: Call, read: ProfileRead) -> str:
    contact = await _find(call, read.id)
    if contact is None:
        person = await contacts.create_contact(call.services, call.workspace_id, build_facts(read, {}))
    else:
        own_id = read.id if contact["external_id"] else ""
        facts = build_facts(ProfileRead(own_id, read.named, read.fields), orjson.loads(contact["fields"]))
        person = await contacts.change_contact(call.services, call.workspace_id, contact["id"], facts)
    return profile_id_of(person.row)


async def delete_profiles(call: Call) -> Response:
    """`DELETE /profiles/bulk`: an array of ids; those that are not there are left out. 204."""
    given = _read_array(call)
    if not all(isinstance(each, str) for each in given):
        raise ValidationError([fail("body", "must be an array of profile ids")])
    for profile_id in given:
        if (contact := await _find(call, profile_id)) is not None:
            await _delete(call, contact["id"])
    return Response(status_code=204)


def _read_array(call: Call) -> list[Any]:
    given = call.json()
    if not isinstance(given, list) or not 0 < len(given) <= LARGEST_BULK:
        raise ValidationError([fail("body", f"must be an array of 1 to {LARGEST_BULK:,}")])
    return given


# -- opt-ins --------------------------------------------------------------------------------------------------------


class OptIn(Wire):
    """The channels that a profile opts in to."""

    channels: list[Word]


async def opt_in(call: Call) -> Response:
    """`PUT /profiles/{profileId}/optin`: the channels are added to those the profile is opted in to."""
    given = check_model(OptIn, call.json())
    _check_channels("channels", given.channels)
    return await _state(call, {CHANNELS[name]: True for name in given.channels})


async def opt_out(call: Call) -> Response:
    """`DELETE /profiles/{profileId}/optin?channel=`: takes one away; without `channel`, all."""
    channel = call.asked.find_query("channel")
    _check_channels("channel", [channel] if channel else [])
    return await _state(call, {CHANNELS[name]: False for name in ([channel] if channel else CHANNELS)})


def _check_channels(parameter: str, names: list[str]) -> None:
    if any(name not in CHANNELS for name in names):
        raise ValidationError([fail(parameter, f"must be of {', '.join(CHANNELS)}")])


async def _state(call: Call, stated: Mapping[Channel, bool]) -> Response:
    """What the business says goes into the ledger of consents; the answer is what it says then."""
    contact_id = (await _get(call)).row["id"]
    await state_opt_ins(call.services, call.workspace_id, contact_id, stated, by=DIALECT_NAME)
    granted = await call.services.db.read(lambda tx: find_granted(tx, call.workspace_id, [contact_id]))
    return answer_json({"channels": sorted(CHANNEL_IDS[channel] for _, channel in granted)})
