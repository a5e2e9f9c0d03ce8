"""What Meta's refusals of a message ask for: one table, by Meta's numbers. Source: fact page 7.8, 7.9; general codes 0.2.

Codes 1 and 2 are no refusals: Graph itself does not know what happened, so the answer counts as lost and the message is not
repeated. A number that is not in the table is judged by the class the Graph client gives it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestlist.channels.base import Refused, Remedy
from guestlist.graph.base import Applied, ErrorClass, GraphError

RETRY, WAIT, NEXT, STOP = Remedy.RETRY, Remedy.WAIT, Remedy.NEXT, Remedy.STOP
RECONNECT, LOST = Remedy.RECONNECT, Remedy.LOST


@dataclass(frozen=True, slots=True)
class SendError:
    """One row: what it asks for, our word for it, and a sentence for a person."""

    remedy: Remedy
    word: str
    sentence: str
    ends_consent: bool = False


Numbers = tuple[int | None, int | None]
"""Code and subcode. A row without a code is found wherever its number stands; one without a subcode by the code alone."""

_THROTTLED = "Meta's rate limit is reached: it goes out a little later."
_DEAD = "The Page's access token is of no use any more: connect the Page again."
_CLOSED = "The 24-hour window is closed until the person writes again."
_MEDIA = "There is a problem with the media."
_AWAY = "The person is not available."
_ROLE = "Until Meta has approved the app, it can message only people with a role in it."

_DENIED = SendError(STOP, "denied", "Meta denied this without a documented cause.")

SEND_ERRORS: Mapping[Numbers, SendError] = {
    # Passing faults, and answers that say nothing
    (1, None): SendError(LOST, "answer_lost", "Meta had a fault of its own and does not say whether it took the message."),
    (1, 99): SendError(LOST, "answer_lost", "Meta failed for an unknown reason, often a missing permission: see the Page's."),
    (1, 1357046): SendError(LOST, "answer_lost", "Meta could not make sense of an answer of its own."),
    (2, None): SendError(LOST, "answer_lost", "Meta was down for a moment, or the person blocked the Page."),
    (1200, None): SendError(RETRY, "send_failed", "Messenger could not send for a moment."),
    # Limits
    (4, None): SendError(WAIT, "throttled", _THROTTLED),
    (4, 2018022): SendError(WAIT, "throttled", "Too many messages were sent to phone numbers: it goes out later."),
    (9, 2018352): SendError(WAIT, "throttled", "Meta's limit of opt-in requests is reached."),
    (17, None): SendError(WAIT, "throttled", _THROTTLED),
    (32, None): SendError(WAIT, "throttled", _THROTTLED),
    (341, None): SendError(WAIT, "throttled", _THROTTLED),
    (613, None): SendError(WAIT, "throttled", _THROTTLED),
    (613, 1996): SendError(WAIT, "throttled", _THROTTLED),
    (613, 2534040): SendError(WAIT, "throttled", _THROTTLED),
    **{(number, None): SendError(WAIT, "throttled", _THROTTLED) for number in range(80000, 80015)},
    # What waits for the person: another channel may reach them now
    (4, 2018354): SendError(NEXT, "cool_down", "The minimum delay since this person's last marketing message is not over."),
    (10, 2018065): SendError(NEXT, "window_closed", _CLOSED),
    (10, 2018278): SendError(NEXT, "window_closed", _CLOSED),
    (10, 2534022): SendError(NEXT, "window_closed", _CLOSED),
    (613, 1893016): SendError(NEXT, "already_asked", "The person was asked to opt in to the same title within a week."),
    (None, 2018300): SendError(NEXT, "thread_taken", "Another app controls the conversation with this person."),
    # This person cannot be reached
    (10, 1893015): SendError(NEXT, "opted_out", "The person stopped these messages.", ends_consent=True),
    (10, 2018108): SendError(NEXT, "cannot_receive", "The person cannot receive messages now."),
    (100, 2018001): SendError(NEXT, "no_match", "No person on Messenger matches."),
    (200, 1545041): SendError(NEXT, "not_available", _AWAY),
    (551, None): SendError(NEXT, "not_available", "The person is not receiving messages."),
    (551, 1545041): SendError(NEXT, "not_available", _AWAY),
    (None, 1893047): SendError(NEXT, "not_available", _AWAY),
    (None, 2018218): SendError(NEXT, "no_profile", "Meta has no profile of this person for the Page."),
    # A person must connect the Page again
    (10, None): SendError(RECONNECT, "permission_missing", "A permission was denied: connect the Page again and grant it."),
    (102, None): SendError(RECONNECT, "token_dead", _DEAD),
    (190, None): SendError(RECONNECT, "token_dead", _DEAD),
    **{(None, each): SendError(RECONNECT, "token_dead", _DEAD) for each in (458, 459, 460, 463, 464, 467, 492)},
    (200, None): SendError(RECONNECT, "permission_missing", "A permission is missing: connect the Page again and grant it."),
    (None, 2018247): SendError(RECONNECT, "permission_missing", "The permission to read profiles is missing: connect again."),
    # Meta stopped the Page or the app for this
    (2, 2018344): SendError(STOP, "terms", "A person must accept the privacy terms for labels in Meta Business Suite."),
    (3, None): SendError(STOP, "capability_missing", "The Meta app lacks the capability for this: apply for it."),
    (10, 1404170): SendError(STOP, "page_restricted", "Meta restricts this Page from marketing messages: see its support inbox."),
    (10, 1893063): SendError(STOP, "page_restricted", "Meta restricts this Page for some time: see its support inbox."),
    (10, 2018336): _DENIED,
    (200, 2018021): SendError(STOP, "phone_fee_unpaid", "The fee for matching phone numbers is not paid."),
    (200, 2018027): SendError(STOP, "phone_not_reviewed", "The permission to match phone numbers is not reviewed yet."),
    (200, 2018028): SendError(STOP, "role_needed", _ROLE),
    (368, None): SendError(
        STOP, "page_blocked", "Meta blocks this for some time because of its policies: see the support inbox."
    ),
    (613, 2018338): SendError(STOP, "tag_misused", "Meta sees a message tag misused: see the Page's support inbox."),
    (2022, None): SendError(STOP, "commerce_off", "Commerce is switched off for this Page."),
    # The message is wrong
    (100, None): SendError(STOP, "bad_request", "Meta refuses a value of the message, or an id is not visible to the Page."),
    (100, 33): SendError(STOP, "bad_request", "Something the message names does not exist, or the Page may not see it."),
    (100, 2018008): SendError(STOP, "media_not_fetched", "Meta could not fetch the URL of a file."),
    (100, 2018014): SendError(STOP, "bad_request", "Meta refuses a value of the message without a documented cause."),
    (100, 2018034): SendError(STOP, "empty_message", "The message is empty."),
    (100, 2018047): SendError(STOP, "upload_failed", "The file could not be uploaded to Meta."),
    (100, 2018074): SendError(STOP, "attachment_unknown", "The attachment id is not valid, or belongs to another Page."),
    (100, 2018109): SendError(STOP, "media_too_large", "The file is too large for Messenger."),
    (100, 2018164): SendError(STOP, "wrong_app", "The app id is the wrong one for this call."),
    (100, 2018294): SendError(STOP, "bad_media", "There is a problem with the video."),
    (100, 2018320): SendError(STOP, "bad_product", "There is a problem with a product id."),
    (506, None): SendError(STOP, "repeated", "The same was sent just before."),
    (10303, None): SendError(STOP, "linking_failed", "Account linking failed."),
    **{(None, each): SendError(STOP, "bad_media", _MEDIA) for each in (2018171, 2018173, 2018175, 2018182, 2018183)},
}

BY_CLASS: Mapping[ErrorClass, Remedy] = {
    ErrorClass.RETRY: RETRY,
    ErrorClass.WAIT: WAIT,
    ErrorClass.FIX: STOP,
    ErrorClass.RECONNECT: RECONNECT,
    ErrorClass.TERMS: STOP,
    ErrorClass.RECIPIENT: NEXT,
    ErrorClass.BILLING: STOP,
}
"""For numbers that the table does not hold, and for faults without a number."""


def translate(error: GraphError) -> Refused:
    """A Graph error as a refusal of a message. Whatever may have had its effect is lost, never repeated."""
    known = find_send_error(error.code, error.subcode)
    provider_code = "/".join(str(number) for number in (error.code, error.subcode) if number is not None)
    if error.applied is Applied.UNKNOWN:
        sentence = known.sentence if known and known.remedy is LOST else error.sentence
        return Refused(LOST, "answer_lost", provider_code, sentence)
    if known is None or known.remedy is LOST:
        return Refused(BY_CLASS[error.kind], error.reason, provider_code, error.sentence, retry_after=error.retry_after)
    return Refused(
        known.remedy,
        known.word,
        provider_code,
        known.sentence,
        retry_after=error.retry_after if known.remedy is WAIT else None,
        ends_consent=known.ends_consent,
    )


def find_send_error(code: int | None, subcode: int | None) -> SendError | None:
    """The row for Meta's numbers: the pair, else a number that means the same wherever it stands, else the code alone."""
    if code is not None and subcode is not None and (pair := SEND_ERRORS.get((code, subcode))):
        return pair
    for number in (subcode, code):
        if number is not None and (alone := SEND_ERRORS.get((None, number))):
            return alone
    if code is None:
        return None
    code = 200 if 200 <= code < 300 else code  # the family of missing permissions
    # With a subcode nobody documents it may lie in this message alone: that is no reason to rest the whole Page.
    return _DENIED if code in (10, 200) and subcode is not None else SEND_ERRORS.get((code, None))
