"""Every table. Rows are the truth; instants are BIGINT milliseconds since 1970 UTC; every table but `workspaces`, `keys`,
`lanes` and the raw `webhooks` inbox carries the workspace and its keys start with it, so the database can shard by workspace.

Documents (mapping, report, message) are JSON text, sealed secrets and digests are bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from .columns import count_column as _count
from .columns import instant_column as _instant
from .columns import metadata as metadata
from .columns import text_column as _text

workspaces = Table(
    "workspaces",
    metadata,
    _text("id"),
    _text("name"),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("id"),
)

keys = Table(
    "keys",
    metadata,
    _text("id"),
    _text("workspace_id"),
    _text("name"),
    _text("prefix"),  # first characters, shown so that a person can tell keys apart
    _text("digest"),  # SHA-256 of the whole key, hex
    _instant("created_at", nullable=False),
    _instant("last_used_at"),
    _instant("revoked_at"),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("digest"),
)

pages = Table(
    "pages",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("page_id"),  # Meta's
    _text("name"),
    _text("ad_account_id"),  # digits, without act_
    Column("page_token", LargeBinary, nullable=False),  # sealed
    Column("ads_token", LargeBinary, nullable=False),  # sealed: the system user's, for audiences and campaigns
    _text("state", "connected"),  # connected | reconnect
    _text("reason", "", nullable=False),  # why it must be reconnected, a sentence
    Column("rate", Integer, nullable=False),  # calls a second
    _text("capabilities", "{}"),  # JSON
    _instant("terms_at"),  # when the Custom Audience terms were last seen accepted
    _instant("checked_at"),
    _instant("sync_at"),  # when the next token sync is due
    _count("sync_number"),  # the sync that ran last
    _instant("synced_at"),  # when a sync was last complete
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "page_id"),
    Index(None, "page_id"),
)

lists = Table(
    "lists",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("name"),
    _text("filename"),
    _text("sha256"),  # of the file
    _text("region"),
    _text("state"),  # preparing | ready | failed
    _count("rows"),
    _count("usable"),
    _count("duplicates"),
    _text("report", "{}"),  # JSON: lists.base.ListReport, values masked
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)

list_batches = Table(
    "list_batches",
    metadata,
    _text("workspace_id"),
    _text("list_id"),
    Column("seq", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),  # zlib of the JSON payload: digests only
    PrimaryKeyConstraint("workspace_id", "list_id", "seq"),
)

list_rejects = Table(
    "list_rejects",
    metadata,
    _text("workspace_id"),
    _text("list_id"),
    Column("position", Integer, nullable=False),
    Column("row", Integer, nullable=False),
    _text("column_name"),
    _text("code"),
    _text("value"),  # masked
    _text("remedy"),
    PrimaryKeyConstraint("workspace_id", "list_id", "position"),
)

list_mappings = Table(  # what was said of the columns under a header, for the next file with the same one
    "list_mappings",
    metadata,
    _text("workspace_id"),
    _text("fingerprint"),  # of the header's names: lists.headers.find_fingerprint
    _text("columns"),  # JSON: [{"index": 0, "name": "Tel", "key": "PHONE"}], keys or "ignore"
    _instant("created_at", nullable=False),
    _instant("updated_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "fingerprint"),
)

audiences = Table(
    "audiences",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("page_id"),  # our id
    _text("name"),
    _text("description", ""),
    _text("meta_id", nullable=True),
    _text("origin"),  # created | adopted
    _text("state"),  # domain.states.Audience
    _text("reason", ""),
    Column("lower", BigInteger),
    Column("upper", BigInteger),
    Column("operation_code", Integer),
    _text("operation_text", ""),
    _instant("read_at"),
    _instant("due_at"),  # when the next step is due; NULL when none is
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", BigInteger),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "meta_id"),
    Index(
        "ix_audiences_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
)

uploads = Table(
    "uploads",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("audience_id"),
    _text("list_id"),
    Column("number", Integer, nullable=False),  # from 1 in an audience: the order of its uploads
    _text("mode"),  # domain.uploads.Mode
    Column("full", Integer, nullable=False, server_default="0"),  # 1: rows the audience has are sent too
    Column("session_id", BigInteger, nullable=False),  # ours to choose, unique per ad account; that of the additions
    _instant("session_started_at"),  # of a replace session: when its first batch was called
    Column("restarts", Integer, nullable=False, server_default="0"),  # sessions begun anew
    _text("state"),  # domain.states.Upload
    _text("reason", ""),
    _text("plan", "{}"),  # JSON: how far planning is
    _instant("planned_at"),  # when all batches were durable
    Column("most_rows", Integer, nullable=False),  # of a batch; halved when Meta asks for less data
    _count("added"),  # rows to add
    _count("removed"),  # rows to remove from the audience
    _count("unchanged"),  # rows the audience has
    _count("rows"),
    _count("rows_sent"),
    _count("rows_invalid"),
    _count("batches"),
    _count("batches_sent"),
    _count("batches_matched"),  # upload-status webhooks seen
    _instant("due_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _instant("created_at", nullable=False),
    _instant("sent_at"),
    _instant("matched_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "session_id"),
    Index("ix_uploads_due", "due_at", sqlite_where=text("due_at IS NOT NULL"), postgresql_where=text("due_at IS NOT NULL")),
)

upload_batches = Table(
    "upload_batches",
    metadata,
    _text("workspace_id"),
    _text("upload_id"),
    Column("seq", Integer, nullable=False),
    _text("act"),  # domain.uploads.Act
    Column("session_id", BigInteger, nullable=False),
    Column("session_seq", Integer, nullable=False),  # Meta's batch_seq: from 1 in the session
    Column("rows", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),  # of its rows as JSON
    Column("payload", LargeBinary),  # zlib of the JSON payload: digests only; NULL once acknowledged
    _text("state"),  # domain.states.Batch
    Column("fence", BigInteger),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("looks", Integer, nullable=False, server_default="0"),  # how often it was looked up in vain
    _text("reason", ""),
    _instant("sent_at"),
    PrimaryKeyConstraint("workspace_id", "upload_id", "seq"),
)

audience_members = Table(  # the ledger: rows that Meta acknowledged, as far as they are needed to remove them again
    "audience_members",
    metadata,
    _text("workspace_id"),
    _text("audience_id"),  # our id
    Column("key", LargeBinary, nullable=False),  # 16 bytes: domain.uploads.member_key
    Column("email", LargeBinary),  # SHA-256, as it was sent
    Column("phone", LargeBinary),
    Column("held_in", Integer, nullable=False),  # number of the last upload whose list held the row
    PrimaryKeyConstraint("workspace_id", "audience_id", "key"),
)

removed_identifiers = Table(  # while an upload is planned: e-mails and phones of the rows it removes
    "removed_identifiers",
    metadata,
    _text("workspace_id"),
    _text("upload_id"),
    Column("digest", LargeBinary, nullable=False),  # the first 16 bytes
    PrimaryKeyConstraint("workspace_id", "upload_id", "digest"),
)

subscribers = Table(
    "subscribers",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("page_id"),  # our id
    _text("token"),
    _text("psid", nullable=True),
    _text("source"),  # domain.states.Source: the first one
    _text("audience_id", nullable=True),  # our id of the first audience, for list-born ones
    _text("timezone", nullable=True),
    _instant("opted_out_at"),
    _text("opt_out_reason", nullable=True),
    _instant("next_eligible_at"),
    _instant("expires_at"),
    _count("seen_in"),  # number of the last sync that listed the token
    Column("misses", Integer, nullable=False, server_default="0"),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "page_id", "token"),
    Index(
        "ix_subscribers_psid",
        "workspace_id",
        "page_id",
        "psid",
        sqlite_where=text("psid IS NOT NULL"),  # list-born ones have none until they write
        postgresql_where=text("psid IS NOT NULL"),
    ),
)

subscriber_audiences = Table(
    "subscriber_audiences",
    metadata,
    _text("workspace_id"),
    _text("audience_id"),  # our id
    _text("subscriber_id"),
    PrimaryKeyConstraint("workspace_id", "subscriber_id", "audience_id"),
)

consents = Table(
    "consents",
    metadata,
    _text("workspace_id"),
    Column("number", BigInteger, nullable=False),  # from 1 in a workspace: the order of the chain
    _text("subject"),  # "audience:…", "subscriber:…", "contact:…"
    _text("act"),  # granted | withdrawn | restored
    _text("purpose"),  # marketing; any = every message, where a person closed an address
    _text("channel"),  # domain.messages.Channel
    _text("source"),  # attestation | opt_in_request | send_error | vanished | console | …
    _text("words", ""),  # the exact words
    _text("basis", ""),
    _text("by", ""),
    _text("proof", "{}"),  # JSON: file hash, upload, webhook …
    _instant("at", nullable=False),
    _text("previous_hash"),
    _text("hash"),
    PrimaryKeyConstraint("workspace_id", "number"),
    Index(None, "workspace_id", "subject"),
)

campaigns = Table(
    "campaigns",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("page_id"),  # our id
    _text("name"),
    _text("message"),  # JSON, Meta's message object
    _text("audience_ids", "[]"),  # JSON, ours; empty = every subscriber of the Page
    Column("daily_budget", BigInteger),
    Column("lifetime_budget", BigInteger),
    _text("meta_id", nullable=True),
    _text("state"),  # domain.states.Campaign
    _text("paused_from", "", nullable=False),  # the state to go back to
    _text("reason", ""),  # why paused or failed, a sentence
    _text("action", ""),  # what a person must do
    _instant("ready_at"),  # when warm-up ends
    _instant("not_before"),  # campaign-wide wait (throttles, "not ready")
    _instant("expires_at"),
    _instant("due_at"),  # next step of creation; NULL when none
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", BigInteger),
    _count("subscribers"),  # at launch
    _count("recipients"),
    _text("sources", "{}"),  # JSON: subscribers at launch by source
    _text("excluded", "{}"),  # JSON: excluded at launch by reason
    _instant("created_at", nullable=False),
    _instant("launched_at"),
    _instant("finished_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
    Index(
        "ix_campaigns_due",
        "due_at",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    Index(
        "ix_campaigns_running",
        "page_id",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

recipients = Table(
    "recipients",
    metadata,
    _text("workspace_id"),
    _text("campaign_id"),
    Column("position", Integer, nullable=False),  # from 1, the order of sending
    _text("subscriber_id"),
    _text("state"),  # domain.states.Delivery
    _text("reason", ""),  # why failed, unknown or waiting
    _instant("not_before"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("unexplained", Integer, nullable=False, server_default="0"),  # those of them that ended with a number nobody knows
    Column("fence", BigInteger),
    _text("tracking_id", nullable=True),
    _instant("claimed_at"),
    _instant("called_at"),  # set durably before the call: a claimed row without it provably never left
    _instant("sent_at"),
    _instant("delivered_at"),
    _instant("read_at"),
    _instant("clicked_at"),
    _instant("opted_out_at"),
    PrimaryKeyConstraint("workspace_id", "campaign_id", "position"),
    UniqueConstraint("workspace_id", "campaign_id", "subscriber_id"),
    Index(
        "ix_recipients_open",
        "workspace_id",
        "campaign_id",
        "state",
        "position",
        "not_before",  # so that those who wait are passed over within the index
        sqlite_where=text("state = 'queued' OR state = 'sending'"),  # SQLite does not see through IN
        postgresql_where=text("state = 'queued' OR state = 'sending'"),
    ),
    Index(None, "workspace_id", "subscriber_id"),
)

tracking = Table(  # provider message id -> recipient, narrow
    "tracking",
    metadata,
    _text("workspace_id"),
    _text("tracking_id"),
    _text("campaign_id"),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("workspace_id", "tracking_id"),
)

campaign_counts = Table(  # "it adds up, at every moment": kept in the transaction that moves the rows
    "campaign_counts",
    metadata,
    _text("workspace_id"),
    _text("campaign_id"),
    _text("measure"),  # a Delivery state, or "clicked" | "opted_out"
    _text("reason"),  # for failed, expired and unknown, else ""
    _count("n"),
    PrimaryKeyConstraint("workspace_id", "campaign_id", "measure", "reason"),
)

webhooks = Table(  # the raw inbox
    "webhooks",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _text("provider"),
    _text("app_id"),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of provider, app and body: doubles fall here
    Column("body", LargeBinary, nullable=False),
    _text("state", "stored"),  # stored | applied | refused
    _text("reason", ""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _instant("received_at", nullable=False),
    _instant("applied_at"),
    UniqueConstraint("digest"),
    Index("ix_webhooks_stored", "id", sqlite_where=text("state = 'stored'"), postgresql_where=text("state = 'stored'")),
)

events = Table(
    "events",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("kind"),  # "campaign.finished", "subscriber.opted_out" …
    _text("subject"),
    _text("data", "{}"),  # JSON
    _instant("at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    _text("workspace_id"),
    _text("key"),
    _text("request"),  # SHA-256 of method, path and body, hex
    Column("status", Integer),  # NULL while the first request is still being worked on
    Column("answer", LargeBinary),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "key"),
)

lanes = Table(
    "lanes",
    metadata,
    _text("lane"),
    _text("owner"),
    Column("fence", BigInteger, nullable=False),
    _instant("expires_at", nullable=False),  # system time, not business time
    PrimaryKeyConstraint("lane"),
)
