"""Uploads: rows into audiences, matching, replacing, removing, and the upload-status webhook (fact page 1.2, 1.4, 2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from .audiences import bounds, give_up_late
from .calls import Call
from .crowd import Person
from .emulator import Emulator
from .errors import GraphFault, invalid
from .paging import build_page
from .rows import Rows, SessionPart, read_rows, read_session
from .things import AdAccount, Audience, Page, Session
from .webhooks import UPLOAD_STATUS, Event

DIGEST = re.compile(r"[0-9a-f]{64}")
PHONE = re.compile(r"\+[0-9]{6,15}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def add_users(call: Call, audience: Audience) -> dict[str, Any]:
    """`POST /<CA_ID>/users`. Errors: 100, 100/1713230 flagged, 2650/1870145 while a replace runs."""
    _check_upload(call, audience)
    give_up_late(audience, call.now)
    if audience.replacing is not None:
        raise _replace_fault("Another update of this audience is in progress", 1870145)
    rows, part = read_rows(call, messenger=audience.page is not None), read_session(call)
    session = _open_session(call, audience, part)
    _take(call, audience, session, rows, replace=False)
    return _answer(call, audience, session, rows)


def replace_users(call: Call, audience: Audience) -> dict[str, Any]:
    """`POST /<CA_ID>/usersreplace`: the session's rows take the place of all others. Errors: 100, 2650."""
    _check_upload(call, audience)
    rows, part = read_rows(call, messenger=audience.page is not None), read_session(call, required=True)
    if part is None:
        raise invalid("The parameter session is required")
    session = _continue_replace(call, audience, part)
    _take(call, audience, session, rows, replace=True)
    answer = _answer(call, audience, session, rows)
    return {
        "account_id": audience.account.id,
        **{key: answer[key] for key in answer if key.startswith(("session", "num", "invalid"))},
    }


def _continue_replace(call: Call, audience: Audience, part: SessionPart) -> Session:
    known = audience.sessions.get(part.id)
    if known is not None and known.last_seen:
        raise _replace_fault("The session is already finished", 1870159)
    give_up_late(audience, call.now)
    running = audience.replacing
    if known is not None and known.timed_out:
        raise _replace_fault("The session has timed out", 1870158)
    if running is not None and running.id != part.id:
        raise _replace_fault("Another update of this audience is in progress", 1870145)
    if running is None:
        if part.batch_seq != 1:
            raise _replace_fault("The first batch of the session is missing", 1870147)
        if audience.matching:
            raise _replace_fault("Another update of this audience is in progress", 1870145)
        audience.replacing, audience.replace_failed = _open_session(call, audience, part), False
        return audience.replacing
    if part.last and part.batch_seq > running.batches + 1:
        raise _replace_fault("The session is incomplete", 1870148)
    return _open_session(call, audience, part)


def _replace_fault(message: str, subcode: int) -> GraphFault:
    return GraphFault(message, code=2650, subcode=subcode)


def _check_upload(call: Call, audience: Audience) -> None:
    call.require("ads_management")
    call.count("custom_audience", audience.account.id)
    call.facts["audience_id"] = audience.id
    if audience.flagged:
        raise invalid("Uploads to this audience are blocked because it was flagged for integrity", 1713230)


def _open_session(call: Call, audience: Audience, part: SessionPart | None) -> Session:
    session_id = part.id if part else call.emulator.world.new_id("97")
    if any(session_id in other.sessions for other in audience.account.audiences if other is not audience):
        raise invalid("session.session_id is already used by another audience of this ad account")
    session = audience.sessions.setdefault(session_id, Session(session_id, call.now))
    session.batches += 1
    session.last_seen = session.last_seen or part is None or part.last
    call.facts.update(session_id=session_id, batch_seq=part.batch_seq if part else 1)
    return session


def _take(call: Call, audience: Audience, session: Session, rows: Rows, *, replace: bool) -> None:
    """Books a batch and lets it match after a while."""
    emulator = call.emulator
    call.facts.update(rows=rows.received, invalid=rows.invalid)
    for holder in (audience, session):
        holder.received += rows.received
        holder.invalid += rows.invalid
        holder.matching += 1
    audience.updated = call.now
    for digests in rows.digests:
        emulator.crowd.meet(digests)
    known = [digests[0] for digests in rows.digests]

    def finish(at: float) -> None:
        _match(emulator, audience, session, known, at, replace=replace)
        _announce(emulator, audience, rows.received, at)

    emulator.later(call.now + emulator.config.matching_seconds, finish)


def _match(emulator: Emulator, audience: Audience, session: Session, known: Iterable[bytes], at: float, *, replace: bool) -> None:
    inside = session.people if replace else audience.members
    for digest in known:
        person = emulator.crowd.find(digest)
        if person is None or not person.exists or any(one in inside for one in person.digests):
            continue
        inside[person.key] = person
        audience.matched.add(person.key)
        session.matched += 1
        if audience.page is not None:
            _subscribe(emulator, audience, audience.page, person, at)
    audience.matching -= 1
    session.matching -= 1
    audience.content_updated = at
    if session.last_seen and session.matching == 0:
        session.ended = at
        if replace and audience.replacing is session:
            audience.members, audience.replacing = session.people, None


def _subscribe(emulator: Emulator, audience: Audience, page: Page, person: Person, at: float) -> None:
    subscriber = emulator.world.subscribe(page, person, at, source="SUBSCRIBER_LIST")
    if audience not in subscriber.origins:
        subscriber.origins.append(audience)


def _announce(emulator: Emulator, audience: Audience, num_rows: int, at: float) -> None:
    if audience.page is None or audience.deleted:
        return
    lower, upper = bounds(audience)
    value = {
        "app_id": int(emulator.world.app.id),
        "page_id": int(audience.page.id),
        "custom_audience_id": int(audience.id),
        "ad_account_id": int(audience.account.id),
        "timestamp": int(at),
        "num_rows": num_rows,
        "business_id": int(audience.account.business_id),
        "approximate_count_lower_bound": lower,
        "approximate_count_upper_bound": upper,
        "batch_uploading_status": emulator.switches["upload_status"],
    }
    emulator.emit(Event(audience.page.id, UPLOAD_STATUS, value, at, account_id=audience.account.id))


def _answer(call: Call, audience: Audience, session: Session, rows: Rows) -> dict[str, Any]:
    samples: object = rows.samples
    if call.emulator.switches["invalid_samples"] == "list":
        samples = list(rows.samples.values())
    answer: dict[str, Any] = {
        "audience_id": audience.id,
        "session_id": session.id,
        "num_received": session.received,
        "num_invalid_entries": rows.invalid,
        "invalid_entry_samples": samples,
    }
    if audience.page is not None:
        messenger = {
            "num_subscribers_received": rows.received,
            "num_subscribers_invalid_entries": rows.invalid,
            "invalid_subscribers_entry_samples": samples,
        }
        answer["subscription_info"] = {"messenger": messenger}
    return answer


def remove_users(call: Call, audience: Audience) -> dict[str, Any]:
    """`DELETE /<CA_ID>/users`: out of the audience; the opt-in stays."""
    _check_upload(call, audience)
    rows, part = read_rows(call, messenger=audience.page is not None), read_session(call)
    session = _open_session(call, audience, part)
    session.received += rows.received
    session.invalid += rows.invalid
    if session.last_seen:
        session.ended = call.now
    _remove(call, [audience], rows)
    return {
        "audience_id": audience.id,
        "session_id": session.id,
        "num_received": session.received,
        "num_invalid_entries": rows.invalid,
        "invalid_entry_samples": rows.samples,
    }


def remove_from_all(call: Call, account: AdAccount) -> dict[str, Any]:
    """`DELETE /act_<ID>/usersofanyaudience`."""
    call.require("ads_management")
    call.count("custom_audience", account.id)
    rows = read_rows(call)
    _remove(call, account.audiences, rows)
    return {"num_received": rows.received, "num_invalid_entries": rows.invalid, "invalid_entry_samples": rows.samples}


def _remove(call: Call, audiences: Iterable[Audience], rows: Rows) -> None:
    call.facts.update(rows=rows.received, invalid=rows.invalid)
    for audience in audiences:
        audience.content_updated = call.now
        for digest in (digest for digests in rows.digests for digest in digests):
            person = call.emulator.crowd.find(digest)
            for key in person.digests if person else ():
                audience.members.pop(key, None)


def list_sessions(call: Call, audience: Audience) -> dict[str, Any]:
    """`GET /<CA_ID>/sessions`: every value a string."""
    call.require("ads_management")
    call.count("custom_audience", audience.account.id)
    wanted = call.params.text("session_id")
    sessions = [session for session in audience.sessions.values() if wanted in (None, session.id)]
    return build_page(call, sessions, _show_session)


def _show_session(session: Session) -> dict[str, Any]:
    done = session.ended is not None
    record = {
        "session_id": session.id,
        "start_time": str(int(session.started)),
        "num_received": str(session.received),
        "num_matched": str(session.matched),
        "num_invalid_entries": str(session.invalid),
        "progress": "100" if done else str(100 * (session.batches - session.matching) // (session.batches + 1)),
        "stage": "completed" if done else "matching" if session.last_seen else "uploading",
    }
    if session.ended is not None:
        record["end_time"] = str(int(session.ended))
    return record


def unsubscribe_people(call: Call, page: Page) -> dict[str, Any]:
    """`POST /<PAGE_ID>/messaging_customer_base/unsubscribe`: a true opt-out, for the whole Page."""
    call.require_page(page)
    call.require("pages_messaging")
    wrong = 0
    for row in call.params.sequence("data", required=True) or ():
        identifiers = _read_identifiers(row)
        if identifiers is None:
            wrong += 1
            continue
        for kind, value in identifiers:
            _opt_out(call, page, kind, value)
    return {"invalid_rows_count": wrong}


def _read_identifiers(row: object) -> list[tuple[str, str]] | None:
    """`(kind, value)` pairs of a row, phone and e-mail as digests; None when the row is wrong."""
    if not isinstance(row, dict) or not row or not all(isinstance(value, str) for value in row.values()):
        return None
    if set(row) in ({"psid"}, {"subscriber_token"}):
        return [(kind, value) for kind, value in row.items()]
    if not set(row) <= {"phone", "email"}:
        return None
    found = []
    for kind, value in row.items():
        shape = PHONE if kind == "phone" else EMAIL
        if DIGEST.fullmatch(value):
            found.append(("digest", value))
        elif shape.fullmatch(value):
            found.append(("digest", hashlib.sha256(value.removeprefix("+").lower().encode()).hexdigest()))
        else:
            return None
    return found


def _opt_out(call: Call, page: Page, kind: str, value: str) -> None:
    world = call.emulator.world
    if kind == "psid":
        thread = world.threads.get(value)
        subscriber = thread.subscriber if thread else None
    elif kind == "subscriber_token":
        subscriber = world.subscribers.get(value)
    else:
        person = call.emulator.crowd.find(bytes.fromhex(value))
        subscriber = world.find_subscriber(page, person) if person else None
    if subscriber is not None and subscriber.page is page:
        subscriber.opted_out = True
