"""The end of matching of one uploaded batch. Source: fact page 2."""

from __future__ import annotations

from datetime import datetime

from guestlist.domain.facts import UploadStatus
from guestlist.inbound.envelopes import WireEvent
from guestlist.inbound.parsers.event import parse_event_instant
from guestlist.inbound.payloads import Fields

_MAX_STATUS_TEXT = 200
_SUCCESS = "SUCCESS"


def parse_upload_status(event: WireEvent, received_at: datetime) -> UploadStatus:
    """Meta matched one batch of rows; the bounds are the whole audience's.

    Shape: ids come as bare numbers here. Only `SUCCESS` is documented; any other status is a failure, kept as it came.
    Errors: PayloadError without an audience, or when a field has a type of its own.
    """
    fields = Fields(event.kind, event.value)
    ad_account_id = fields.find_identifier("ad_account_id") or event.ad_account_id
    raw_status = fields.find_text("batch_uploading_status", _MAX_STATUS_TEXT) or ""
    lower = fields.find_count("approximate_count_lower_bound")
    upper = fields.find_count("approximate_count_upper_bound")
    return UploadStatus(
        page_id=fields.find_identifier("page_id") or event.page_id,
        audience_id=fields.get_identifier("custom_audience_id"),
        ad_account_id=None if ad_account_id is None else ad_account_id.removeprefix("act_"),
        at=parse_event_instant(fields, event, received_at),
        rows=fields.find_count("num_rows") or 0,
        lower=lower,
        upper=upper,
        succeeded=raw_status == _SUCCESS,
        raw_status=raw_status,
    )
