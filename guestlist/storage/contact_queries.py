"""Contacts asked for by what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Text, and_, cast, exists, func, literal, or_
from sqlalchemy.dialects.postgresql import JSONB

from guestlist.domain.messages import AddressKind
from guestlist.domain.phones import phone_aliases

from . import rows
from .base import Row, Transaction
from .messaging_tables import addresses, contacts


@dataclass(frozen=True, slots=True)
class Wanted:
    """What contacts must be; "" and None = any. Instants: milliseconds since 1970. `fields` = these values exactly."""

    plain: Mapping[str, str] = field(default_factory=dict, repr=False)  # columns by name: external_id, first_name, source, …
    phone: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    psid: str = field(default="", repr=False)
    account_id: str = ""  # with an address on this Page
    created_after: int | None = None
    created_before: int | None = None
    updated_after: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


async def list_contacts(tx: Transaction, workspace_id: str, *, wanted: Wanted, after: str | None, limit: int) -> list[Row]:
    """Living contacts, newest first, from below the cursor."""
    query = rows.page_of(contacts, workspace_id, after=after, limit=limit).where(contacts.c.deleted_at.is_(None))
    query = query.where(*(contacts.c[name] == value for name, value in wanted.plain.items()))
    if wanted.created_after is not None:
        query = query.where(contacts.c.created_at >= wanted.created_after)
    if wanted.created_before is not None:
        query = query.where(contacts.c.created_at < wanted.created_before)
    if wanted.updated_after is not None:
        query = query.where(contacts.c.updated_at >= wanted.updated_after)
    query = query.where(*(_has_field(tx.dialect, name, value) for name, value in wanted.fields.items()))
    return await tx.fetch_all(query.where(*_addressed(wanted)))


def _addressed(wanted: Wanted) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if wanted.phone:
        asked.append(_has(AddressKind.PHONE, addresses.c.value.in_(phone_aliases(wanted.phone))))
    if wanted.email:
        asked.append(_has(AddressKind.EMAIL, addresses.c.value == wanted.email))
    if wanted.psid:
        asked.append(_has(AddressKind.PSID, addresses.c.value == wanted.psid))
    if wanted.account_id:
        asked.append(_has(None, addresses.c.account_id == wanted.account_id))
    return asked


def _has(kind: AddressKind | None, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = (addresses.c.workspace_id == contacts.c.workspace_id, addresses.c.contact_id == contacts.c.id)
    of_kind = () if kind is None else (addresses.c.kind == kind.value,)
    return exists().where(*mine, *of_kind, condition)


def _has_field(dialect: str, name: str, value: Any) -> ColumnElement[bool]:
    """Whether a field has exactly this JSON value; null = there is no such field."""
    text = orjson.dumps(value).decode()
    if dialect == "sqlite":
        found: ColumnElement[Any] = contacts.c.fields.op("->")(literal(name, Text()))
        return found.is_(None) if value is None else found == func.json(text)
    document = cast(contacts.c.fields, JSONB())
    kept: ColumnElement[Any] = document.op("->")(literal(name, Text()))
    return or_(kept.is_(None), kept == cast("null", JSONB())) if value is None else and_(kept == cast(value, JSONB()))
