"""The tables of messaging: accounts, contacts, messages with their deliveries, conversations, endpoints. See `tables.py`.

One message has a delivery for each rule tried, a delivery a part for each provider call, a part an attempt for each try. States
are those of `domain.states.Delivery` and only rise. What is due stands in `due_at`; NULL means nothing waits.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, UniqueConstraint, text

from .columns import count_column as _count
from .columns import due_index as _due
from .columns import instant_column as _instant
from .columns import metadata
from .columns import text_column as _text

accounts = Table(  # our senders on SMS and e-mail; on Messenger the Page is the account
    "accounts",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("channel"),  # sms | email
    _text("provider"),  # a channel's provider: twilio | kannel | smtp | sandbox
    _text("name"),
    _text("sender"),  # the number (digits), name or mailbox people see
    _text("config", "{}"),  # JSON: what the provider needs that is no secret
    Column("secret", LargeBinary, nullable=False),  # sealed JSON
    Column("rate", Integer, nullable=False),  # calls a second; 0 = no cap
    _text("state", "connected"),  # connected | reconnect
    _text("reason", ""),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    Index(None, "id"),  # webhooks know the account alone
)

contacts = Table(
    "contacts",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("external_id", nullable=True),  # the business's own id
    _text("first_name", ""),
    _text("last_name", ""),
    _text("locale", ""),
    _text("timezone", ""),  # IANA name, or an offset such as +02:00
    _text("gender", ""),
    _text("picture_url", ""),
    _text("fields", "{}"),  # JSON: everything else the business keeps
    _text("messenger", "{}"),  # JSON: the profile as Meta last told it
    _instant("profiled_at"),
    _text("source"),  # api | list | inbound | opt_in | send
    Column("version", BigInteger, nullable=False, server_default="1"),  # the ETag
    _instant("created_at", nullable=False),
    _instant("updated_at", nullable=False),
    _instant("deleted_at"),
    _text("merged_into", nullable=True),  # the contact that has everything of this one now
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "external_id"),
)

addresses = Table(  # a contact on one account: PSID, user_ref, phone, e-mail
    "addresses",
    metadata,
    _text("workspace_id"),
    _text("channel"),
    _text("account_id", ""),  # our Page's id for psid and user_ref; "" for phones and e-mails, which are nobody's account
    _text("kind"),  # domain.messages.AddressKind
    _text("value"),
    _text("contact_id"),
    _instant("opened_at"),  # when the person last did something that opens the 24-hour window
    _instant("opted_out_at"),
    _text("opt_out_reason", ""),
    _instant("due_at"),  # when the profile behind a PSID is to be asked of Meta
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "channel", "account_id", "kind", "value"),
    Index(None, "workspace_id", "contact_id"),
    _due("ix_addresses_due", "workspace_id", "account_id", "due_at"),
)

message_requests = Table(  # phone matching: one message request a person and Page
    "message_requests",
    metadata,
    _text("workspace_id"),
    _text("account_id"),
    _text("phone"),  # digits
    _text("state"),  # domain.messages.RequestState
    _text("contact_id"),
    _text("invitation_id", nullable=True),
    _instant("asked_at", nullable=False),
    _instant("accepted_at"),
    PrimaryKeyConstraint("workspace_id", "account_id", "phone"),
    Index(None, "workspace_id", "invitation_id"),
    Index(None, "workspace_id", "account_id", "state"),
)

messages = Table(
    "messages",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("contact_id", nullable=True),
    _text("draft"),  # JSON: domain.messages.Draft, the content emptied once redacted
    _text("metadata", "{}"),  # JSON, the caller's, echoed in every event
    _text("purpose"),
    _text("state"),
    _text("reason", ""),  # the stable word why it failed, waits or is unknown
    _text("channel", ""),  # of the delivery that counts
    Column("rule", Integer, nullable=False, server_default="0"),  # the rule being tried, from 1
    _text("dialect", ""),  # "" | comapi | amio | gupshup: whose words later events use
    _text("batch_id", nullable=True),
    _text("by", ""),  # the key that sent it
    _instant("send_at"),
    _instant("expires_at"),
    _instant("due_at"),  # next step that is not a provider call: send_at, a receipt that stays out, expiry
    _instant("created_at", nullable=False),
    _instant("sent_at"),
    _instant("delivered_at"),
    _instant("read_at"),
    _instant("ended_at"),  # failed, expired or cancelled
    _instant("redacted_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
    Index(None, "workspace_id", "contact_id", "id"),
    _due("ix_messages_due", "workspace_id", "due_at"),
    Index(
        "ix_messages_batch",
        "workspace_id",
        "batch_id",
        "id",
        sqlite_where=text("batch_id IS NOT NULL"),
        postgresql_where=text("batch_id IS NOT NULL"),
    ),
)

deliveries = Table(
    "deliveries",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("message_id"),
    Column("rule", Integer, nullable=False),  # from 1
    _text("channel"),
    _text("account_id"),
    _text("address_kind"),
    _text("address"),
    _text("route", "{}"),  # JSON: domain.routes.Open, the way it was opened
    _text("state"),
    _text("reason", ""),
    Column("awaiting", Integer, nullable=False, server_default="0"),  # 1 while a message request waits for the person
    Column("parts", Integer, nullable=False),
    _instant("created_at", nullable=False),
    _instant("sent_at"),
    _instant("delivered_at"),
    _instant("read_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "message_id", "rule"),
    Index(None, "workspace_id", "account_id", "address"),
)

parts = Table(  # one provider call each, in order: the next becomes due when the one before was accepted
    "parts",
    metadata,
    _text("workspace_id"),
    _text("delivery_id"),
    Column("number", Integer, nullable=False),  # from 1
    _text("account_id"),
    _text("body"),  # JSON: what the channel sends; emptied once redacted
    _text("state"),
    _text("reason", ""),
    _text("provider_id", nullable=True),  # mid, SID, Message-ID
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", BigInteger),
    _instant("due_at"),
    _instant("claimed_at"),
    _instant("called_at"),  # durable before the call: a claimed part without it provably never left
    _instant("sent_at"),
    _instant("delivered_at"),
    _instant("read_at"),
    PrimaryKeyConstraint("workspace_id", "delivery_id", "number"),
    Index(None, "workspace_id", "account_id", "provider_id"),
    _due("ix_parts_due", "workspace_id", "account_id", "due_at"),
    Index(
        "ix_parts_sending",
        "workspace_id",
        "account_id",
        "fence",
        sqlite_where=text("state = 'sending'"),
        postgresql_where=text("state = 'sending'"),
    ),
)

attempts = Table(  # the log of provider calls: what the timeline shows
    "attempts",
    metadata,
    _text("workspace_id"),
    _text("delivery_id"),
    Column("part", Integer, nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    _text("outcome"),  # accepted | refused | lost
    _text("code", ""),  # the provider's, as it came
    _text("sentence", ""),  # for a person
    _instant("called_at", nullable=False),
    _instant("answered_at"),
    PrimaryKeyConstraint("workspace_id", "delivery_id", "part", "number"),
)

receipts = Table(  # what providers reported later, as it came in
    "receipts",
    metadata,
    _text("workspace_id"),
    _text("message_id"),
    _text("delivery_id"),
    Column("part", Integer, nullable=False),
    _text("kind"),  # sent | delivered | read | failed
    _text("code", ""),
    _instant("at", nullable=False),
    _instant("received_at", nullable=False),
    Column("webhook_id", BigInteger),
    PrimaryKeyConstraint("workspace_id", "message_id", "delivery_id", "part", "kind"),
)

early_receipts = Table(  # what came before the answer that names the message: applied once it is known, else dropped
    "early_receipts",
    metadata,
    _text("workspace_id"),
    _text("account_id"),
    _text("provider_id"),
    _text("kind"),  # domain.facts.ReceiptKind
    _text("code", ""),
    _instant("at", nullable=False),
    _instant("received_at", nullable=False),
    Column("webhook_id", BigInteger),
    PrimaryKeyConstraint("workspace_id", "account_id", "provider_id", "kind"),
)

conversations = Table(
    "conversations",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("contact_id"),
    _text("channel"),
    _text("account_id"),
    Column("unread", Integer, nullable=False, server_default="0"),
    _instant("last_in_at"),
    _instant("last_out_at"),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "contact_id", "account_id"),
)

replies = Table(  # what people said or did: texts, attachments, taps, reactions; and what was sent from elsewhere (echoes)
    "replies",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("conversation_id"),
    _text("contact_id"),
    _text("channel"),
    _text("account_id"),
    _text("kind"),  # domain.facts.ReplyKind
    _text("provider_id"),  # the provider's id, or one made from the event where it has none: doubles fall here
    _text("content", "{}"),  # JSON: text, payload, attachments, ref, emoji; emptied once redacted
    _text("answers", nullable=True),  # the message it answers, where that can be told
    _instant("at", nullable=False),
    _instant("received_at", nullable=False),
    _instant("redacted_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
    UniqueConstraint("workspace_id", "account_id", "provider_id"),
    Index(None, "workspace_id", "contact_id", "at"),
)

attachments = Table(  # media uploaded to Meta once and used again
    "attachments",
    metadata,
    _text("workspace_id"),
    _text("account_id"),
    _text("source"),  # SHA-256 of kind and URL, or of the bytes, hex
    _text("attachment_id"),
    _instant("expires_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "account_id", "source"),
)

endpoints = Table(  # customers' URLs that receive events
    "endpoints",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("name"),
    _text("url"),
    _text("dialect", ""),  # "" = Standard Webhooks; comapi | amio | gupshup: the vendor's own shape, signature and retries
    _text("scope", ""),  # an account's id, for vendors whose webhooks belong to one channel
    _text("kinds", ""),  # the event kinds wanted, each between spaces; "" = all
    _text("config", "{}"),  # JSON: what a dialect's webhook has beyond this
    Column("secret", LargeBinary, nullable=False),  # sealed
    Column("old_secret", LargeBinary),  # sealed: signs too until it ends
    _instant("old_secret_until"),
    _text("state", "enabled"),  # enabled | disabled
    _text("reason", ""),
    _instant("failing_since"),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)

notices = Table(  # one event on its way to one endpoint
    "notices",
    metadata,
    _text("workspace_id"),
    _text("endpoint_id"),
    _text("id"),
    _text("event_id"),
    _text("state"),  # pending | delivered | failed
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),  # since it was last begun: its place in the schedule
    Column("fence", BigInteger),
    _instant("due_at"),
    _count("status"),  # of the last answer; 0 = none came
    _text("problem", ""),
    _instant("created_at", nullable=False),
    _instant("delivered_at"),
    PrimaryKeyConstraint("workspace_id", "endpoint_id", "id"),
    _due("ix_notices_due", "workspace_id", "endpoint_id", "due_at"),
)

notice_tries = Table(  # the log: request and answer, kept for a while
    "notice_tries",
    metadata,
    _text("workspace_id"),
    _text("endpoint_id"),
    _text("notice_id"),
    Column("number", Integer, nullable=False),
    _count("status"),
    _text("problem", ""),
    _text("answer", ""),  # the first kilobyte
    Column("milliseconds", Integer, nullable=False),
    _instant("at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "endpoint_id", "notice_id", "number"),
)

invitations = Table(  # a kept list turned into message requests
    "invitations",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("account_id"),
    _text("name"),
    _text("draft"),  # JSON: the message each person gets
    _text("state"),  # running | finished | refused
    _text("reason", ""),
    _count("people"),
    _instant("created_at", nullable=False),
    PrimaryKeyConstraint("workspace_id", "id"),
)

session_schemes = Table(  # how a workspace's own apps prove who their users are (Comapi's app SDKs)
    "session_schemes",
    metadata,
    _text("workspace_id"),
    _text("space"),  # the workspace's public GUID, 32 hex digits
    _text("issuer"),
    _text("audience"),
    _text("id_claim"),  # the claim that names the profile
    Column("secret", LargeBinary, nullable=False),  # sealed JSON: what apps sign with, what we sign with
    _instant("updated_at", nullable=False),
    PrimaryKeyConstraint("workspace_id"),
    UniqueConstraint("space"),
)

sessions = Table(  # one app of one person
    "sessions",
    metadata,
    _text("workspace_id"),
    _text("id"),
    _text("profile_id"),  # the business's own id of the contact
    _text("device", "{}"),  # JSON: what the app says of itself
    _instant("started_at", nullable=False),
    _instant("expires_at", nullable=False),
    _instant("ended_at"),
    PrimaryKeyConstraint("workspace_id", "id"),
    Index(None, "workspace_id", "profile_id"),
    Index(None, "expires_at"),
)
