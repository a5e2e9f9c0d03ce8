"""Calls on audiences and their uploads. Fact page 1.1, 1.2, 1.4, 1.5."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from .base import AudienceInfo, Session, SessionInfo, UploadAnswer
from .caller import Caller, ad_account_node, build_path
from .errors import build_error, parse_envelope
from .paging import parse_page, read_all
from .wire import Document, WireError, as_bound, as_id, as_int, as_object, as_text, parse_new_id, parse_success

FIELDS = (
    "id,name,description,approximate_count_lower_bound,approximate_count_upper_bound,operation_status,delivery_status,"
    "messenger_marketing_messages_page"
)
MESSENGER_FILTER = orjson.dumps([{"field": "data_source.subtype", "operator": "IN", "value": [1010]}]).decode()
"""Meta's filter for audiences that serve as Messenger lists. [seed]"""

AUDIENCES_A_PAGE = 20
"""What Meta suggests when counts are asked for."""

SESSIONS_A_PAGE = 100


class AudienceCalls:
    """The calls of the audience path."""

    _caller: Caller

    async def create_audience(self, ad_account_id: str, *, name: str, description: str, page_id: str) -> str:
        """The id of a new, empty audience whose people become subscribers of the Page."""
        body = {
            "name": name,
            "description": description,
            "subtype": "CUSTOM",
            "customer_file_source": "USER_PROVIDED_ONLY",
            "subscription_info": ["MESSENGER"],
            "use_for_products": ["MARKETING_MESSAGES"],
            "marketing_message_channels": {"MESSENGER": page_id},
        }
        return await self._caller.write(build_path(ad_account_node(ad_account_id), "customaudiences"), body, parse_new_id)

    async def list_audiences(self, ad_account_id: str) -> Sequence[AudienceInfo]:
        """Every Messenger audience of the ad account, whoever made it."""
        path = build_path(ad_account_node(ad_account_id), "customaudiences")
        params = {"fields": FIELDS, "filtering": MESSENGER_FILTER}
        return await read_all(
            lambda page: self._caller.read(path, {**params, **page}, parse_page(parse_audience)), AUDIENCES_A_PAGE
        )

    async def read_audience(self, audience_id: str) -> AudienceInfo:
        """The audience as Meta tells it now."""
        return await self._caller.read(build_path(audience_id), {"fields": FIELDS}, parse_audience)

    async def delete_audience(self, audience_id: str) -> None:
        """Deletes the audience at Meta. Its people stay subscribers."""
        await self._caller.delete(build_path(audience_id), parse_success)

    async def add_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer:
        """Hands over one batch of hashed rows, at most 10,000. What Meta matched is told later, by webhook and bounds."""
        body = build_batch(schema, data, session)
        return await self._caller.write(build_path(audience_id, "users"), body, parse_upload_answer)

    async def remove_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer:
        """Takes the people of one batch of rows out of the audience. They stay subscribers: this is no opt-out.

        The rows travel in the body, so the call is a POST that names its true method, as Meta documents for this edge.
        """
        body = {**build_batch(schema, data, session), "method": "DELETE"}
        return await self._caller.write(build_path(audience_id, "users"), body, parse_upload_answer)

    async def replace_users(
        self, audience_id: str, *, schema: Sequence[str], data: Sequence[Sequence[str]], session: Session
    ) -> UploadAnswer:
        """One batch of a session whose rows take the place of all others. The session must end within 90 minutes."""
        body = build_batch(schema, data, session)
        return await self._caller.write(build_path(audience_id, "usersreplace"), body, parse_upload_answer)

    async def read_sessions(self, audience_id: str) -> Sequence[SessionInfo]:
        """Every upload session of the audience, and how many rows Meta has received in each."""
        path = build_path(audience_id, "sessions")
        params = {"fields": "session_id,num_received,num_invalid_entries,stage"}
        return await read_all(
            lambda page: self._caller.read(path, {**params, **page}, parse_page(parse_session)), SESSIONS_A_PAGE
        )


def build_batch(schema: Sequence[str], data: Sequence[Sequence[str]], session: Session) -> Document:
    """The body of a batch: its rows, and where it stands in its session."""
    return {
        "payload": {"schema": list(schema), "data": list(data)},
        "session": {
            "session_id": session.session_id,
            "batch_seq": session.batch_seq,
            "last_batch_flag": session.last,
            "estimated_num_total": session.estimated_total,
        },
    }


def parse_audience(document: Document) -> AudienceInfo:
    """An audience. Errors: WireError without an id."""
    audience_id = as_id(document.get("id"))
    if audience_id is None:
        raise WireError("The answer names no audience.")
    page = as_object(document.get("messenger_marketing_messages_page"))
    operation, delivery = as_object(document.get("operation_status")), as_object(document.get("delivery_status"))
    return AudienceInfo(
        id=audience_id,
        name=as_text(document.get("name")),
        description=as_text(document.get("description")),
        page_id=as_id(page.get("id")),
        page_name=as_text(page.get("name")) or None,
        lower=as_bound(document.get("approximate_count_lower_bound")),
        upper=as_bound(document.get("approximate_count_upper_bound")),
        operation_code=as_int(operation.get("code")),
        operation_text=as_text(operation.get("description")),
        delivery_code=as_int(delivery.get("code")),
        delivery_text=as_text(delivery.get("description")),
    )


def parse_upload_answer(document: Document) -> UploadAnswer:
    """Meta's answer to a batch. The samples of invalid rows, a map or a list, are hashes and are left out.

    Errors: WireError without a count; GraphError where the batch was taken for the audience but refused for Messenger.
    """
    messenger = as_object(as_object(document.get("subscription_info")).get("messenger"))
    if as_object(messenger.get("error")):
        raise build_error(parse_envelope(messenger["error"]), write=True)
    received = as_int(document.get("num_received", messenger.get("num_subscribers_received")))
    if received is None:
        raise WireError("The answer does not say how many rows were received.")
    invalid = as_int(document.get("num_invalid_entries", messenger.get("num_subscribers_invalid_entries")))
    return UploadAnswer(received=received, invalid=invalid or 0, session_id=as_id(document.get("session_id")))


def parse_session(document: Document) -> SessionInfo:
    """An upload session, whose numbers Meta writes as strings. Errors: WireError without an id."""
    session_id = as_id(document.get("session_id"))
    if session_id is None:
        raise WireError("A session has no id.")
    return SessionInfo(
        session_id=session_id,
        received=as_int(document.get("num_received")) or 0,
        invalid=as_int(document.get("num_invalid_entries")) or 0,
        stage=as_text(document.get("stage")),
    )
