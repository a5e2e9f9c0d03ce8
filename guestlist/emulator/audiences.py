"""Custom audiences: create, list, read, update, delete (fact page 1.1, 1.5)."""

from __future__ import annotations

from typing import Any

from .adaccounts import check_terms
from .calls import Call
from .errors import GraphFault, invalid
from .fields import parse_fields, select_fields
from .paging import build_page
from .things import AdAccount, Audience, Page

SUBTYPES = frozenset(
    [
        "APP",
        "BAG_OF_ACCOUNTS",
        "BIDDING",
        "CLAIM",
        "CUSTOM",
        "ENGAGEMENT",
        "EXCLUSION",
        "FOX",
        "LOOKALIKE",
        "MANAGED",
        "MEASUREMENT",
        "MESSENGER_SUBSCRIBER_LIST",
        "OFFLINE_CONVERSION",
        "PARTNER",
        "PRIMARY",
        "REGULATED_CATEGORIES_AUDIENCE",
        "STUDY_RULE_AUDIENCE",
        "VIDEO",
        "WEBSITE",
    ]
)
FILE_SOURCES = frozenset({"USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"})
CHANNELS = frozenset({"MESSENGER", "WHATSAPP"})
PRODUCTS = frozenset({"ADS", "MARKETING_MESSAGES"})
MOST_FILE_AUDIENCES = 500
REPLACE_SECONDS = 90 * 60.0  # emulated: the time a replace session has
SUBSCRIBER_LIST = 1010  # data_source.subtype of Messenger lists
SILENT_FIELDS = (  # known to Graph, never set here
    "retention_days",
    "sharing_status",
    "permission_for_actions",
    "opt_out_link",
    "owner_business",
    "fields_violating_integrity_policy",
    "audience_labels",
    "rule",
    "pixel_id",
    "lookalike_spec",
    "delete_time",
    "page_deletion_marked_delete_time",
)


def create_audience(call: Call, account: AdAccount) -> dict[str, Any]:
    """`POST /act_<ID>/customaudiences`. Errors: 100, 200/1870090, 2654 past 500 file audiences."""
    call.require("ads_management")
    call.count("custom_audience", account.id)
    check_terms(account)
    params, now = call.params, call.now
    audience = Audience(
        id="",
        account=account,
        name=params.must("name"),
        created=now,
        description=params.text("description") or "",
        subtype=params.choice("subtype", SUBTYPES) or "CUSTOM",
        customer_file_source=params.choice("customer_file_source", FILE_SOURCES),
        page=_read_channel(call),
        updated=now,
        content_updated=now,
    )
    if audience.subtype == "CUSTOM" and audience.customer_file_source is None:
        raise invalid("The parameter customer_file_source is required")
    if sum(1 for one in account.audiences if one.subtype == "CUSTOM") >= MOST_FILE_AUDIENCES:
        raise GraphFault("The ad account has too many custom audiences from files", code=2654)
    audience.id = call.emulator.world.new_id("120")
    call.emulator.world.add_audience(audience)
    call.facts["audience_id"] = audience.id
    if call.emulator.switches["audience_create"] == "data":
        return {"data": [{"id": audience.id}]}
    return {"id": audience.id, "message": ""}


def _read_channel(call: Call) -> Page | None:
    """The Page a Messenger list is for; None for an ordinary audience."""
    channels = _read_words(call, "subscription_info", CHANNELS)
    _read_words(call, "use_for_products", PRODUCTS)
    targets = call.params.mapping("marketing_message_channels")
    if "MESSENGER" not in channels and targets is None:
        return None
    page_id = str((targets or {}).get("MESSENGER", ""))
    page = call.emulator.world.pages.get(page_id)
    if page is None:
        raise invalid("Param marketing_message_channels must name under MESSENGER a Page you manage")
    return page


def _read_words(call: Call, name: str, allowed: frozenset[str]) -> list[str]:
    words = [str(word) for word in call.params.sequence(name) or ()]
    for word in words:
        if word not in allowed:
            raise invalid(f"Param {name} must be one of {{{', '.join(sorted(allowed))}}}")
    return words


def list_audiences(call: Call, account: AdAccount) -> dict[str, Any]:
    """`GET /act_<ID>/customaudiences`, with the `data_source.subtype IN [1010]` filter for Messenger lists."""
    call.require("ads_management")
    call.count("custom_audience", account.id)
    chosen = parse_fields(call.params.text("fields") or "id")
    only_lists = _read_filter(call)

    def show(audience: Audience) -> dict[str, Any] | None:
        if only_lists and audience.page is None:
            return None
        return select_fields(audience_record(audience, call.now), chosen, "CustomAudience")

    return build_page(call, account.audiences, show)


def _read_filter(call: Call) -> bool:
    only_lists = False
    for rule in call.params.sequence("filtering") or ():
        if not isinstance(rule, dict) or not {"field", "operator", "value"} <= set(rule):
            raise invalid("Param filtering must be an array of objects with field, operator and value")
        if rule["field"] != "data_source.subtype" or rule["operator"] not in ("IN", "EQUAL"):
            raise invalid(
                f"Filtering field {str(rule['field'])[:60]!r} with operation {str(rule['operator'])[:20]!r} is not supported"
            )
        values = rule["value"] if isinstance(rule["value"], list) else [rule["value"]]
        only_lists = only_lists or {str(value) for value in values} == {str(SUBSCRIBER_LIST)}
    return only_lists


def read_audience(call: Call, audience: Audience) -> dict[str, Any]:
    """`GET /<CA_ID>`: the id, or the chosen fields."""
    call.require("ads_management")
    call.count("custom_audience", audience.account.id)
    chosen = parse_fields(call.params.text("fields") or "id")
    return select_fields(audience_record(audience, call.now), chosen, "CustomAudience")


def update_audience(call: Call, audience: Audience) -> dict[str, Any]:
    """`POST /<CA_ID>`: name and description."""
    call.require("ads_management")
    call.count("custom_audience", audience.account.id)
    audience.name = call.params.text("name") or audience.name
    audience.description = call.params.text("description") or audience.description
    audience.updated = call.now
    return {"success": True, "message": ""}


def delete_audience(call: Call, audience: Audience) -> dict[str, Any]:
    """`DELETE /<CA_ID>`. The people stay subscribed."""
    call.require("ads_management")
    call.count("custom_audience", audience.account.id)
    world = call.emulator.world
    audience.deleted = True
    audience.account.audiences.remove(audience)
    del world.audiences[audience.id], world.objects[audience.id]
    return {"success": True}


def audience_record(audience: Audience, now: float) -> dict[str, Any]:
    """Every field of an audience this emulator knows, at an emulated moment (unix seconds)."""
    give_up_late(audience, now)
    lower, upper = bounds(audience)
    page = audience.page
    subtype = "SUBSCRIBER_LIST" if page else "MULTI_HASHES"
    return {
        "id": audience.id,
        "account_id": audience.account.id,
        "name": audience.name,
        "description": audience.description,
        "subtype": audience.subtype,
        "customer_file_source": audience.customer_file_source,
        "approximate_count_lower_bound": lower,
        "approximate_count_upper_bound": upper,
        "data_source": {"type": "FILE_IMPORTED", "sub_type": subtype, "creation_params": "[]"},
        "delivery_status": _delivery_status(audience),
        "operation_status": _operation_status(audience),
        "time_created": int(audience.created),
        "time_updated": int(audience.updated),
        "time_content_updated": int(audience.content_updated),
        "messenger_marketing_messages_page": {"id": page.id, "name": page.name} if page else None,
        "subscription_info": ["MESSENGER"] if page else None,
        **dict.fromkeys(SILENT_FIELDS),
    }


def bounds(audience: Audience) -> tuple[int, int]:
    """Rounded size; -1 until the first batch has matched. `lower <= people < upper`."""
    if audience.received == 0 or (audience.matching and not audience.matched):
        return -1, -1
    size = len(audience.members)
    step = max(5, 10 ** (len(str(size)) - 2))
    lower = size // step * step
    return lower, lower + step


def _delivery_status(audience: Audience) -> dict[str, Any]:
    if len(audience.members) < 100:
        return {"code": 300, "description": "This audience is too small"}
    return {"code": 200, "description": "This audience is ready for use."}


def give_up_late(audience: Audience, now: float) -> None:
    """A replace session that has not ended in time changes nothing, and others may begin."""
    running = audience.replacing
    if running is not None and not running.last_seen and now - running.started > REPLACE_SECONDS:
        running.timed_out = audience.replace_failed = True
        audience.replacing = None


def _operation_status(audience: Audience) -> dict[str, Any]:
    if audience.flagged:
        return {"code": 471, "description": "Flagged"}
    if audience.replace_failed:
        return {"code": 415, "description": "The last replace failed"}
    if audience.replacing is not None:
        return {"code": 414, "description": "Replace in progress"}
    if audience.received == 0:
        return {"code": 410, "description": "No data has been uploaded"}
    if audience.matching:
        return {"code": 441, "description": "We are finding people who fit your audience"}
    if audience.invalid * 2 > audience.received:
        return {"code": 412, "description": "Many rows are invalid"}
    return {"code": 200, "description": "Normal"}
