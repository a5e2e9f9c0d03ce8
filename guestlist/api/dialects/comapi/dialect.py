"""Comapi's doors, as data."""

from __future__ import annotations

from guestlist.api.dialects.base import Dialect, Door

from . import facebook, history, messages, profiles, reports, sessions, webhooks
from .errors import tell_error
from .session_tokens import for_keys, for_own
from .spaces import identify, tell_space
from .words import DIALECT_NAME

PREFIXES = ("/apispaces/{space}", "/cpaas")

_MESSAGE, _PROFILE = "/messages/{message_id}", "/profiles/{profile_id}"
_WEBHOOK, _SESSION = "/webhooks/{webhook_id}", "/sessions/{session_id}"

DOORS = (
    Door("GET", "/apispace", for_keys(tell_space)),
    # 2.2 messages
    Door("POST", "/messages", for_keys(messages.send_message)),
    Door("POST", "/messages/batch", for_keys(messages.send_batch), max_bytes=messages.BATCH_MAX_BYTES),
    Door("GET", _MESSAGE, for_keys(messages.get_message)),
    Door("PATCH", _MESSAGE, for_keys(messages.redact_message)),
    Door("DELETE", _MESSAGE, for_keys(messages.delete_message)),
    Door("POST", f"{_MESSAGE}/statuses/{{status}}", for_keys(reports.report_status)),
    Door("POST", "/messages/inbounds", for_keys(reports.push_inbound)),
    Door("POST", "/messages/inbounds/{message_id}/statuses/{status}", for_keys(reports.report_inbound)),
    Door("GET", f"{_PROFILE}/messages", for_own("profile_id", history.list_history)),
    # 2.6 profiles
    Door("GET", "/profiles", for_keys(profiles.list_profiles)),
    Door("POST", "/profiles", for_keys(profiles.create_profile)),
    Door("PATCH", "/profiles/bulk", for_keys(profiles.patch_profiles)),
    Door("DELETE", "/profiles/bulk", for_keys(profiles.delete_profiles)),
    Door("GET", _PROFILE, for_own("profile_id", profiles.get_profile)),
    Door("PUT", _PROFILE, for_own("profile_id", profiles.replace_profile)),
    Door("PATCH", _PROFILE, for_own("profile_id", profiles.patch_profile)),
    Door("DELETE", _PROFILE, for_keys(profiles.delete_profile)),
    Door("PUT", f"{_PROFILE}/optin", for_keys(profiles.opt_in)),
    Door("DELETE", f"{_PROFILE}/optin", for_keys(profiles.opt_out)),
    # 2.7 the state service
    Door("POST", "/channels/facebook/state", facebook.make_state),
    # 2.8 webhooks
    Door("GET", "/webhooks", for_keys(webhooks.list_webhooks)),
    Door("POST", "/webhooks", for_keys(webhooks.create_webhook)),
    Door("GET", "/webhooks/availableevents", for_keys(webhooks.list_events)),
    Door("GET", "/webhooks/availabletemplates", for_keys(webhooks.list_templates)),
    Door("GET", _WEBHOOK, for_keys(webhooks.get_webhook)),
    Door("PUT", _WEBHOOK, for_keys(webhooks.replace_webhook)),
    Door("DELETE", _WEBHOOK, for_keys(webhooks.delete_webhook)),
    # 2.1 client sessions
    Door("GET", "/sessions/start", sessions.start_session, open=True),
    Door("POST", "/sessions", sessions.open_session, open=True),
    Door("GET", "/sessions/scheme", for_keys(sessions.get_scheme)),
    Door("PUT", "/sessions/scheme", for_keys(sessions.set_scheme)),
    Door("GET", _SESSION, for_own("session_id", sessions.get_session)),
    Door("DELETE", _SESSION, for_own("session_id", sessions.end_session)),
    Door("PUT", f"{_SESSION}/push", for_own("session_id", sessions.set_push)),
)

DIALECT = Dialect(DIALECT_NAME, PREFIXES, DOORS, identify, tell_error)
