"""What was said of columns serves the next file with the same header, in its workspace, until it is forgotten."""

import io

import pytest

from guestlist.actions import list_checks, list_mappings, lists
from guestlist.errors import ListError, NotFoundError
from guestlist.lists.base import ListOptions
from guestlist.storage import access

FILE = b"Wer,Kontakt\nann@example.com,07911 123456\nbob@example.com,07911 123457\n"
SAID = {"Wer": "EMAIL", "Kontakt": "ignore"}


async def import_file(house, content=FILE, mapping=None, workspace_id=None):
    options = ListOptions(region="GB", mapping=mapping)
    return await lists.import_list(
        house.services, workspace_id or house.workspace_id, io.BytesIO(content), options, name="c", filename="c.csv"
    )


async def check_file(house, content=FILE, mapping=None, workspace_id=None):
    options = ListOptions(region="GB", mapping=mapping)
    return await list_checks.check_list(house.services, workspace_id or house.workspace_id, io.BytesIO(content), options)


async def saved(house):
    return await list_mappings.list_mappings(house.services, house.workspace_id)


async def test_the_next_file_with_the_same_header_is_mapped_as_the_last(house):
    before = await check_file(house)
    await import_file(house, mapping=SAID)

    report = await check_file(house, FILE.replace(b"ann", b"zoe"))

    assert (before.mapping_from, report.mapping_from, report.mapping_saved) == ("found", "saved", "2026-11-20")
    assert [column.key for column in report.mapping] == ["EMAIL", None]
    assert report.mapping[1].reason == "You said so on 2026-11-20, for a file with the same header."


async def test_an_import_uses_what_is_saved_and_another_header_does_not(house):
    await import_file(house, mapping=SAID)

    await import_file(house, FILE.replace(b"Wer", b"WER "))

    assert (await check_file(house, b"Kontakt,Wer\n07911 123456,a@b.example\n")).mapping_from == "found"
    assert len(await saved(house)) == 1


async def test_what_is_said_later_is_merged_and_kept(house):
    await import_file(house, mapping=SAID)
    [first] = await saved(house)
    house.clock.move(days=2)

    await import_file(house, mapping={"Kontakt": "PHONE"})

    [row] = await saved(house)
    assert row["columns"] == '[{"index":0,"name":"Wer","key":"EMAIL"},{"index":1,"name":"Kontakt","key":"PHONE"}]'
    assert (row["created_at"], row["updated_at"] - first["updated_at"]) == (first["created_at"], 2 * 86_400_000)
    assert (await check_file(house)).mapping_saved == "2026-11-22"


async def test_nothing_is_saved_by_a_check_an_unmapped_import_or_a_refused_one(house):
    await check_file(house, mapping=SAID)
    await import_file(house)
    with pytest.raises(ListError):
        await import_file(house, b"Wer,Kontakt\nnobody,x\n", mapping=SAID)
    await import_file(house, b"ann@example.com,x\nbob@example.com,y\n", mapping={"1": "ignore"})  # it has no header

    assert await saved(house) == []


async def test_a_forgotten_mapping_serves_no_more(house):
    await import_file(house, mapping=SAID)
    [row] = await saved(house)

    await list_mappings.forget_mapping(house.services, house.workspace_id, row["fingerprint"])

    assert (await check_file(house)).mapping_from == "found"
    with pytest.raises(NotFoundError):
        await list_mappings.forget_mapping(house.services, house.workspace_id, row["fingerprint"])


async def test_a_mapping_serves_its_own_workspace_only(house):
    await house.services.db.write(lambda tx: access.ensure_workspace(tx, "wsp_other", "Other", 1))
    await import_file(house, mapping=SAID)
    [row] = await saved(house)

    assert (await check_file(house, workspace_id="wsp_other")).mapping_from == "found"
    with pytest.raises(NotFoundError):
        await list_mappings.forget_mapping(house.services, "wsp_other", row["fingerprint"])


async def test_saved_mappings_come_in_slices(house):
    for column in ("A", "B", "C"):
        await import_file(house, f"{column}\nann@example.com\n".encode(), mapping={column: "EMAIL"})
    whole = await saved(house)

    first = await list_mappings.list_mappings(house.services, house.workspace_id, limit=2)
    rest = await list_mappings.list_mappings(house.services, house.workspace_id, after=first[-1]["fingerprint"], limit=2)

    assert [*first, *rest] == whole
    assert len(whole) == 3
