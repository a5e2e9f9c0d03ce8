"""Lists kept as contacts: bulk over blocks, once each, and the attestation first."""

from __future__ import annotations

import io

from support.inbound import rows_of
from support.scripted import ATTESTATION

from guestlist.actions import contact_imports
from guestlist.lists.base import ListOptions
from guestlist.storage import ledgers
from guestlist.storage import messaging_tables as tables

OPTIONS = ListOptions(region="GB", mapping={"customer id": "EXTERN_ID"})


def customers(*lines):
    return io.BytesIO("\n".join(("customer id,first name,phone,email", *lines)).encode())


async def keep(house, source):
    return await contact_imports.import_contacts(
        house.services, house.workspace_id, source, OPTIONS, ATTESTATION, filename="c.csv"
    )


async def test_many_rows_become_contacts_once_and_later_files_add_to_them(house):
    people = [f"{n},Guest,07911 {100000 + n},g{n}@example.com" for n in range(600)]
    first = await keep(house, customers(*people, "", people[0]))
    assert (first.report.rows, first.created, first.unchanged) == (602, 600, 1)
    second = await keep(house, customers("7,,,new@example.com", "601,Late,,late@example.com", *people[:5]))
    assert (second.created, second.updated, second.unchanged, second.conflicts) == (1, 1, 5, 0)
    found = {row["external_id"]: row for row in await rows_of(house, tables.contacts)}
    assert (len(found), found["7"]["version"], found["8"]["version"]) == (601, 2, 1)
    values = [row["value"] for row in await rows_of(house, tables.addresses) if row["contact_id"] == found["7"]["id"]]
    assert sorted(values) == ["447911100007", "g7@example.com", "new@example.com"]


async def test_the_attestation_is_in_the_ledger_with_the_files_digest(house):
    imported = await keep(house, customers("1,Ana,,a@example.com"))
    subject = f"import:{imported.id}"
    [entry] = await house.services.db.read(lambda tx: ledgers.find_consents(tx, house.workspace_id, subject))
    assert (entry["by"], entry["words"]) == (ATTESTATION.by, ATTESTATION.words)
    assert imported.report.sha256 in entry["proof"]
