"""`/v1/lists`: customer files in, digests and a report out."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, TypeAdapter, ValidationError
from starlette.responses import Response, StreamingResponse

from guestlist.actions import list_checks, lists
from guestlist.api.caller import Acting, Caller, Calling
from guestlist.api.list_models import CustomerList, Reject, Report
from guestlist.api.models import Flag, RowId
from guestlist.api.openapi import WRITING, refusals
from guestlist.api.paging import ById, ByPosition, Listing
from guestlist.api.problems import MediaTypeError
from guestlist.errors import RefusedError
from guestlist.lists.base import ListOptions, Rejected
from guestlist.lists.rejects_csv import RejectsWriter
from guestlist.storage.base import Row

router = APIRouter(prefix="/v1/lists", tags=["lists"])

CSV = "text/csv"
FILE_TYPES = (
    *(CSV, "text/plain", "text/tab-separated-values", "application/octet-stream", "application/gzip", "application/zip"),
    *("application/x-ndjson", "application/vnd.apache.parquet"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
"""What a customer file may be called; what it is, its first bytes tell."""
BLOCK = 1000
MAPPING = TypeAdapter(dict[str, str])
BINARY = {"schema": {"type": "string", "format": "binary"}}
FILE_BODY = {"requestBody": {"required": True, "content": dict.fromkeys((CSV, "application/octet-stream"), BINARY)}}


def _check_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of printable characters")
    return value


def _check_mapping(value: str) -> str:
    try:
        MAPPING.validate_json(value)
    except ValidationError:
        raise ValueError("must be a JSON object of texts") from None
    return value


Line = Annotated[str, AfterValidator(_check_line)]
MappingText = Annotated[str, AfterValidator(_check_mapping)]


async def read_options(
    region: Annotated[str, Query(pattern=r"^[A-Za-z]{2}$", description="Whose phone numbers they are: ISO 3166-1.")],
    encoding: Annotated[Line | None, Query(max_length=40, description="Such as `windows-1252`; found out if not given.")] = None,
    delimiter: Annotated[str | None, Query(min_length=1, max_length=1, description="What separates columns; found out.")] = None,
    header: Annotated[Flag | None, Query(description="Whether the first record names the columns; found out.")] = None,
    mapping: Annotated[
        MappingText | None,
        Query(
            description='JSON: column by its header, or as `column 2` -> key or `ignore`, such as `{"Tel": "PHONE"}`. '
            "An import saves it for the next file with the same header."
        ),
    ] = None,
    sheet: Annotated[Line | None, Query(max_length=100, description="The sheet of a workbook, by name or number.")] = None,
    preview_rows: Annotated[int, Query(ge=1, le=100, description="Rows in the report's `preview`, problems first.")] = 20,
) -> ListOptions:
    """How the file of a request is to be read."""
    return ListOptions(
        region=region.upper(),
        encoding=encoding,
        delimiter=delimiter,
        header=header,
        mapping=MAPPING.validate_json(mapping) if mapping is not None else None,
        sheet=sheet,
        preview_rows=preview_rows,
    )


Options = Annotated[ListOptions, Depends(read_options)]
Filename = Annotated[Line, Query(max_length=255, description="What the file is called, for people.")]


async def read_file(request: Request) -> BytesIO:
    """The file sent as the body. Errors: MediaTypeError."""
    kind = request.headers.get("content-type", CSV).partition(";")[0].strip().lower()
    if kind not in FILE_TYPES:
        raise MediaTypeError(
            "The file itself must be the body.", remedy=f"Send it with Content-Type: {CSV}; with curl: --data-binary @FILE."
        )
    body: BytesIO = request.state.body
    return body


File = Annotated[BytesIO, Depends(read_file)]


@router.get("", summary="List customer lists", responses=refusals(400))
async def list_lists(caller: Calling, window: ById) -> Listing[CustomerList]:
    """Imported lists, newest first."""
    found = await lists.list_lists(caller.services, caller.workspace_id, after=window.after, limit=window.wanted)
    return window.cut(found, CustomerList.of)


@router.post("", summary="Import a customer file", status_code=201, openapi_extra=FILE_BODY, responses=refusals(*WRITING))
async def import_list(
    caller: Acting,
    file: File,
    options: Options,
    name: Annotated[Line, Query(max_length=200, description="What to call the list; its filename if not given.")] = "",
    filename: Filename = "",
) -> CustomerList:
    """The file itself is the body. It is read in memory; kept are hashed batches, the report and masked rejects."""
    called = name.strip() or filename.strip() or "list"
    row = await lists.import_list(caller.services, caller.workspace_id, file, options, name=called, filename=filename)
    return CustomerList.of(row)


@router.post("/check", summary="Check a customer file", openapi_extra=FILE_BODY, responses=refusals(*WRITING))
async def check_list(caller: Acting, file: File, options: Options, filename: Filename = "") -> Report:
    """What an import would make of the file. Nothing is kept."""
    report = await list_checks.check_list(caller.services, caller.workspace_id, file, options, filename=filename)
    return Report.of_report(report)


@router.get("/{list_id}", summary="Read a customer list", responses=refusals(404))
async def get_list(caller: Calling, list_id: RowId) -> CustomerList:
    """One list."""
    return CustomerList.of(await lists.get_list(caller.services, caller.workspace_id, list_id))


@router.delete("/{list_id}", summary="Delete a customer list", status_code=204, responses=refusals(404, 409))
async def delete_list(caller: Calling, list_id: RowId) -> None:
    """Deletes its digests, report and rejects. Audiences it was uploaded into stay as they are."""
    await lists.delete_list(caller.services, caller.workspace_id, list_id)


@router.get("/{list_id}/report", summary="Read a list's report", responses=refusals(404, 409))
async def read_report(caller: Calling, list_id: RowId) -> Report:
    """What was mapped, normalised and rejected, with masked examples."""
    row = await lists.get_list(caller.services, caller.workspace_id, list_id)
    if row["state"] != "ready":
        raise RefusedError("The list is still being prepared.", code="list_not_ready", remedy="Ask again in a moment.")
    return Report.model_validate_json(row["report"])


@router.get(
    "/{list_id}/rejects",
    summary="Read a list's rejects",
    response_model=Listing[Reject],
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}, **refusals(400, 404)},
)
async def list_rejects(request: Request, caller: Calling, list_id: RowId, window: ByPosition) -> Listing[Reject] | Response:
    """Rows and cells that cannot be used, in file order, values masked. With `Accept: text/csv` all of them as one file."""
    if CSV in request.headers.get("accept", ""):
        first = await _read_block(caller, list_id, 0)
        name = {"Content-Disposition": f'attachment; filename="{list_id}-rejects.csv"'}
        return StreamingResponse(_write_csv(caller, list_id, first), headers=name, media_type=f"{CSV}; charset=utf-8")
    found = await lists.list_rejects(caller.services, caller.workspace_id, list_id, after=window.after or 0, limit=window.wanted)
    return window.cut(found, Reject.of, place="position")


async def _read_block(caller: Caller, list_id: str, after: int) -> list[Row]:
    return await lists.list_rejects(caller.services, caller.workspace_id, list_id, after=after, limit=BLOCK)


async def _write_csv(caller: Caller, list_id: str, block: Sequence[Row]) -> AsyncIterator[str]:
    text = io.StringIO(newline="")
    writer = RejectsWriter(text)
    while block:
        writer.write(Rejected(row["row"], row["column_name"], row["code"], row["value"], row["remedy"]) for row in block)
        yield _drain(text)
        block = await _read_block(caller, list_id, block[-1]["position"])
    yield _drain(text)


def _drain(text: io.StringIO) -> str:
    written = text.getvalue()
    text.seek(0)
    text.truncate()
    return written
