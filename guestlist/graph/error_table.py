"""Graph's error numbers as data: what each asks for, our word for it, and a sentence for a person.

A row with a code alone is found by `error.code`; one with both by the pair; one with a subcode alone wherever the number
stands, in `error_subcode` first, then in `code` (fact page, section 13). Sources: fact page 0.2, 1.1, 1.2, 1.4, 1.5, 5.9, 5.10,
6, 7.8, 7.9. Sentences are ours: Meta's own texts may hold personal data.
"""

from __future__ import annotations

from dataclasses import dataclass

from .base import ErrorClass

RETRY, WAIT, FIX, RECONNECT = ErrorClass.RETRY, ErrorClass.WAIT, ErrorClass.FIX, ErrorClass.RECONNECT
TERMS, RECIPIENT, BILLING = ErrorClass.TERMS, ErrorClass.RECIPIENT, ErrorClass.BILLING
HALF_HOUR, HOUR = 1800.0, 3600.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `reason` "" means `graph_<number>`."""

    code: int | None
    subcode: int | None
    kind: ErrorClass
    sentence: str
    reason: str = ""
    retry_after: float | None = None  # seconds, where Meta documents a wait and the answer names none
    tries: int | None = None  # how often a waiting call is worth repeating; None: as long as it matters
    vague: bool = False  # no refusal: a write may have had its effect all the same


MARKETING = range(2_300_000, 2_300_100)
"""The numbers of the Marketing Message API. They may stand in `error_subcode` or in `code`."""

UNLISTED_MARKETING = Entry(
    None, None, WAIT, "Meta cannot take this marketing message now and gives a number we do not know.", tries=3
)

FAMILIES: tuple[tuple[range, Entry], ...] = (
    (range(200, 300), Entry(200, None, RECONNECT, "A permission is missing: reconnect the Page and grant all it asks for.")),
    (range(80000, 80015), Entry(80000, None, WAIT, "Meta's call limit for this kind of call is reached.", "throttled")),
)
"""Ranges of codes that mean one thing, looked up after the table."""

TABLE: tuple[Entry, ...] = (
    # General codes (0.2, 7.9)
    Entry(1, None, RETRY, "Graph had a fault of its own and cannot say more.", vague=True),
    Entry(1, 99, RECONNECT, "Graph failed for an unknown reason, often a missing permission: reconnect the Page.", vague=True),
    Entry(1, 1357046, RETRY, "Graph could not make sense of an answer inside Meta.", vague=True),
    Entry(2, None, RETRY, "Graph is down for a moment.", vague=True),
    Entry(2, 2018344, TERMS, "A person must accept the privacy terms for labels in Meta Business Suite."),
    Entry(3, None, TERMS, "The Meta app lacks the capability for this call: apply for it in the App Dashboard."),
    Entry(4, None, WAIT, "The Meta app's call limit is reached.", "throttled"),
    Entry(4, 2018022, WAIT, "Too many messages were sent to phone numbers.", "throttled"),
    Entry(4, 2018354, WAIT, "The minimum delay since this person's last marketing message is not over.", "cool_down"),
    Entry(9, 2018352, WAIT, "Meta's limit of opt-in requests is reached."),
    Entry(10, None, RECONNECT, "The permission for this was denied: reconnect the Page and grant all it asks for."),
    Entry(10, 1404170, TERMS, "Meta restricts this Page from marketing messages: see the Page's support inbox."),
    Entry(10, 1893015, RECIPIENT, "The person stopped these messages.", "opted_out"),
    Entry(10, 1893063, TERMS, "Meta restricts this Page for some time: see the Page's support inbox."),
    Entry(10, 2018065, WAIT, "The 24-hour window is closed until the person writes again.", "window_closed"),
    Entry(10, 2018108, RECIPIENT, "The person cannot receive messages now."),
    Entry(10, 2018278, WAIT, "The 24-hour window is closed until the person writes again.", "window_closed"),
    Entry(10, 2018336, RECONNECT, "Meta denied this without a documented cause: reconnect the Page."),
    Entry(10, 2534022, WAIT, "The 24-hour window is closed until the person writes again.", "window_closed"),
    Entry(17, None, WAIT, "The ad account's call limit is reached.", "throttled"),
    Entry(32, None, WAIT, "The Page's call limit is reached.", "throttled"),
    Entry(100, None, FIX, "A value in the call is wrong, or an id is not visible to this token."),
    Entry(100, 33, FIX, "The object does not exist, or this token may not see it."),
    Entry(100, 1713098, FIX, "The audience's rule is not valid."),
    Entry(100, 1713230, FIX, "Meta blocks uploads into this audience: it was flagged for integrity (operation status 471)."),
    Entry(100, 2018001, RECIPIENT, "No person matches this phone number."),
    Entry(100, 2018008, FIX, "Meta could not fetch the URL of an attachment."),
    Entry(100, 2018014, FIX, "Meta refused a value without a documented cause."),
    Entry(100, 2018034, FIX, "The message is empty."),
    Entry(100, 2018047, FIX, "The attachment could not be uploaded."),
    Entry(100, 2018074, FIX, "The attachment id is not valid, or belongs to another Page."),
    Entry(100, 2018109, FIX, "The attachment is too large."),
    Entry(100, 2018164, FIX, "The app id is the wrong one for this call."),
    Entry(100, 2018294, FIX, "There is a problem with the video."),
    Entry(100, 2018320, FIX, "There is a problem with a product id."),
    Entry(102, None, RECONNECT, "The session with Meta has ended: reconnect the Page.", "token_dead"),
    Entry(105, None, FIX, "The call holds too many parameters, or a batch more than 10,000 rows."),
    Entry(190, None, RECONNECT, "The access token is expired, revoked or not valid: reconnect the Page.", "token_dead"),
    Entry(None, 458, RECONNECT, "The person removed the app: reconnect the Page.", "token_dead"),
    Entry(None, 459, RECONNECT, "Facebook wants the person to log in there first: then reconnect the Page.", "token_dead"),
    Entry(None, 460, RECONNECT, "The person's password changed: reconnect the Page.", "token_dead"),
    Entry(None, 463, RECONNECT, "The access token has expired: reconnect the Page.", "token_dead"),
    Entry(None, 464, RECONNECT, "The person must confirm their Facebook account first: then reconnect the Page.", "token_dead"),
    Entry(None, 467, RECONNECT, "The access token is no longer valid: reconnect the Page.", "token_dead"),
    Entry(None, 492, RECONNECT, "The person no longer has a role on the Page: connect it with somebody who has.", "token_dead"),
    Entry(194, None, FIX, "A required value is missing from the call."),
    Entry(200, 1545041, RECIPIENT, "The person is not available."),
    Entry(200, 1870034, TERMS, "An admin of the ad account must accept the Custom Audience terms.", "terms"),
    Entry(200, 1870050, TERMS, "The ad account belongs to no business: add it to one in Meta Business Suite."),
    Entry(200, 1870090, TERMS, "An admin of the ad account must accept the Custom Audience terms.", "terms"),
    Entry(200, 2018021, BILLING, "The fee for matching phone numbers is not paid."),
    Entry(200, 2018027, TERMS, "The permission to match phone numbers is not reviewed yet: apply for it in the App Dashboard."),
    Entry(200, 2018028, TERMS, "Until pages_messaging is approved, only people with a role in the Meta app can be messaged."),
    Entry(341, None, WAIT, "The Meta app's limit is reached.", "throttled"),
    Entry(368, None, TERMS, "Meta blocks this for some time because of its policies: see the Page's support inbox."),
    Entry(506, None, FIX, "The same was posted just before."),
    Entry(551, None, RECIPIENT, "The person is not receiving messages."),
    Entry(551, 1545041, RECIPIENT, "The person is not available."),
    Entry(613, None, WAIT, "Meta's rate limit is reached.", "throttled"),
    Entry(613, 1996, WAIT, "Meta's rate limit is reached: the calls came too unevenly.", "throttled"),
    Entry(613, 1893016, WAIT, "The person was asked to opt in to the same title within a week."),
    Entry(613, 2018338, TERMS, "Meta sees a message tag misused: see the Page's support inbox."),
    Entry(613, 2534040, WAIT, "Meta's rate limit is reached.", "throttled"),
    Entry(1200, None, RETRY, "Messenger could not send for a moment."),
    Entry(2022, None, TERMS, "Commerce is switched off for this Page."),
    Entry(10303, None, FIX, "Account linking failed."),
    # Audiences (1.1, 1.2, 1.4, 1.5)
    Entry(2635, None, FIX, "This Graph API version is no longer served: set a newer one."),
    Entry(2650, None, RETRY, "The update of the audience failed.", vague=True),
    Entry(2650, 1870144, FIX, "An audience of more than 100 million people cannot be replaced."),
    Entry(2650, 1870145, WAIT, "Another update of this audience is in progress."),
    Entry(2650, 1870147, FIX, "The first batch of the upload session is missing."),
    Entry(2650, 1870148, FIX, "The upload session is not complete."),
    Entry(2650, 1870158, FIX, "The upload session ran out of time: start a new one."),
    Entry(2650, 1870159, FIX, "The upload session is finished already: start a new one."),
    Entry(2654, None, FIX, "The audience could not be created."),
    Entry(2654, 1870053, FIX, "The audience could not be created: its subtype is refused."),
    Entry(2655, None, TERMS, "An admin of the ad account must accept the Custom Audience terms.", "terms"),
    Entry(2656, None, FIX, "Lookalike audiences depend on this audience: delete them first."),
    Entry(2663, None, TERMS, "An admin of the ad account must accept the Custom Audience terms.", "terms"),
    Entry(2664, None, TERMS, "An admin of the business must accept the corporate Custom Audience terms.", "terms"),
    # Call limits by use case (0.4)
    Entry(80000, None, WAIT, "The ad account's call limit for insights is reached.", "throttled"),
    Entry(80001, None, WAIT, "The Page's call limit is reached.", "throttled"),
    Entry(80002, None, WAIT, "The call limit for Instagram is reached.", "throttled"),
    Entry(80003, None, WAIT, "The ad account's call limit for audiences is reached.", "throttled"),
    Entry(80004, None, WAIT, "The ad account's call limit for ads is reached.", "throttled"),
    Entry(80005, None, WAIT, "The call limit for lead forms is reached.", "throttled"),
    Entry(80006, None, WAIT, "The Page's call limit for Messenger is reached.", "throttled"),
    Entry(80008, None, WAIT, "The call limit for WhatsApp Business is reached.", "throttled"),
    Entry(80009, None, WAIT, "The call limit for catalogues is reached.", "throttled"),
    Entry(80014, None, WAIT, "The call limit for catalogue batches is reached.", "throttled"),
    # Send API numbers that stand alone (7.8, 7.9)
    Entry(None, 1893047, RECIPIENT, "The person is not available."),
    Entry(None, 2018171, FIX, "There is a problem with the media."),
    Entry(None, 2018173, FIX, "There is a problem with the media."),
    Entry(None, 2018175, FIX, "There is a problem with the media."),
    Entry(None, 2018182, FIX, "There is a problem with the media."),
    Entry(None, 2018183, FIX, "There is a problem with the media."),
    Entry(None, 2018218, RECIPIENT, "There is no profile for this person."),
    Entry(None, 2018247, RECONNECT, "The permission to read profiles is missing: reconnect the Page."),
    Entry(None, 2018300, WAIT, "Another app controls the conversation with this person."),
    # Marketing Message API (5.9)
    Entry(None, 2300000, FIX, "The campaign is not active at Meta."),
    Entry(None, 2300001, FIX, "The campaign id is not valid, or this token may not see it."),
    Entry(None, 2300002, FIX, "The campaign's ad set is not active at Meta."),
    Entry(None, 2300003, FIX, "The campaign's message is not active at Meta."),
    Entry(None, 2300004, RECIPIENT, "Meta does not know this subscription token.", "token_unknown"),
    Entry(None, 2300005, FIX, "The subscription token belongs to another Page than the campaign."),
    Entry(None, 2300006, FIX, "The campaign is not one that sends messages directly."),
    Entry(None, 2300007, FIX, "The campaign has no budget."),
    Entry(None, 2300008, FIX, "Meta could not set a default bid for the campaign."),
    Entry(None, 2300009, FIX, "The campaign's data is missing at Meta."),
    Entry(None, 2300010, FIX, "The message has no valid content."),
    Entry(None, 2300011, BILLING, "The ad account has no payment method: add one in Meta Ads Manager."),
    Entry(None, 2300012, WAIT, "The campaign is still warming up at Meta.", "warming"),
    Entry(None, 2300013, TERMS, "The business must accept Meta's marketing message terms.", "terms"),
    Entry(None, 2300014, FIX, "The campaign belongs to another ad account."),
    Entry(None, 2300015, BILLING, "The campaign's budget is reached: raise it to go on."),
    Entry(None, 2300016, FIX, "The campaign's bid is too low."),
    Entry(None, 2300017, BILLING, "The ad account's spending limit is reached: raise it to go on."),
    Entry(None, 2300018, FIX, "The attachment could not be saved at Meta."),
    Entry(None, 2300019, TERMS, "The owner of the Meta app must accept the marketing message terms.", "terms"),
    Entry(None, 2300020, FIX, "The campaign's pacing type is not valid."),
    Entry(None, 2300021, FIX, "A video needs its video_id."),
    Entry(None, 2300022, FIX, "An image needs its image_url."),
    Entry(None, 2300023, FIX, "A button has a type that is not allowed."),
    Entry(None, 2300024, FIX, "A button has no URL."),
    Entry(None, 2300025, FIX, "A button has no title."),
    Entry(None, 2300026, FIX, "There are more than 3 buttons."),
    Entry(None, 2300027, FIX, "The attachment belongs to another Page."),
    Entry(None, 2300028, WAIT, "Meta cannot pace the campaign yet.", retry_after=HOUR),
    Entry(None, 2300030, TERMS, "Marketing messages are not offered in the ad account's region."),
    Entry(None, 2300031, TERMS, "Marketing messages are not offered in the Page's region."),
    Entry(None, 2300032, RECIPIENT, "Marketing messages are not offered in the person's region.", "region"),
    Entry(None, 2300033, WAIT, "The campaign's start lies in the future."),
    Entry(None, 2300034, RECIPIENT, "The person stopped messages from this Page.", "opted_out"),
    Entry(None, 2300035, WAIT, "The minimum delay since this person's last marketing message is not over.", "cool_down"),
    Entry(None, 2300036, RECIPIENT, "The person cannot receive messages now.", "cannot_receive"),
    Entry(None, 2300037, RECIPIENT, "The subscription token has expired.", "token_expired"),
    Entry(None, 2300038, FIX, "A placeholder of the message cannot be filled for this person.", "name_missing"),
    Entry(None, 2300039, TERMS, "The permission for marketing messages on this Page is missing."),
    Entry(None, 2300040, TERMS, "Marketing messages are not available to this business yet."),
    Entry(None, 2300041, WAIT, "The campaign is still warming up at Meta.", "warming"),
    Entry(None, 2300042, WAIT, "The person has reached Meta's cap of marketing messages.", "frequency_cap"),
    Entry(None, 2300043, WAIT, "The person has reached Meta's cap of marketing messages.", "frequency_cap"),
    Entry(None, 2300044, WAIT, "The person has reached Meta's cap of marketing messages.", "frequency_cap"),
    Entry(None, 2300046, FIX, "An image breaks Meta's rules."),
    Entry(None, 2300047, FIX, "An image breaks Meta's rules."),
    Entry(None, 2300048, FIX, "An image breaks Meta's rules."),
    Entry(None, 2300052, WAIT, "The person talked to the Page too recently, or is not available.", "in_conversation"),
    Entry(None, 2300053, BILLING, "The campaign's lifetime budget is reached: raise it to go on."),
    Entry(None, 2300054, BILLING, "The campaign's daily budget is reached: raise it, or go on tomorrow."),
    Entry(None, 2300055, WAIT, "Meta asks to try again in half an hour.", retry_after=HALF_HOUR),
    Entry(None, 2300056, BILLING, "The ad account's spending limit is reached: raise it to go on."),
    Entry(None, 2300057, WAIT, "Meta asks to try again later."),
    Entry(None, 2300058, BILLING, "The prepaid balance is used up: add funds in Meta Ads Manager."),
    Entry(None, 2300059, BILLING, "The stored balance is too low: add funds in Meta Ads Manager."),
    Entry(None, 2300060, WAIT, "Meta asks to try again later."),
    Entry(None, 2300061, WAIT, "Meta asks to try again in half an hour.", retry_after=HALF_HOUR),
    Entry(None, 2300062, WAIT, "Meta asks to try again in half an hour.", retry_after=HALF_HOUR),
    Entry(None, 2300063, WAIT, "Meta asks to try again later."),
    Entry(None, 2300064, FIX, "The campaign's content is in use elsewhere."),
    Entry(None, 2300065, FIX, "The Page id is missing."),
    Entry(None, 2300066, TERMS, "A person must accept the marketing message terms for the Page.", "terms"),
    Entry(None, 2300067, TERMS, "A person must accept the marketing message terms for the ad account.", "terms"),
    Entry(None, 2300068, WAIT, "Meta asks to try again later."),
    Entry(None, 2300069, TERMS, "A person must accept further marketing message terms.", "terms"),
    Entry(None, 2300070, FIX, "The campaign's targeting is not valid."),
    Entry(None, 2300071, FIX, "The campaign's aliases are not valid."),
    Entry(None, 2300072, FIX, "The campaign's offer is not valid."),
    Entry(None, 2300073, FIX, "The text has too many line breaks."),
    Entry(None, 2300074, FIX, "A call to action is missing."),
    Entry(None, 2300075, FIX, "The buttons stand in the wrong order."),
    Entry(None, 2300076, FIX, "A required field of the message is missing."),
    Entry(None, 2300077, FIX, "A URL in the message is not valid."),
    Entry(None, 2300078, WAIT, "Meta's rate limit for marketing messages is reached.", "throttled"),
    Entry(None, 2300079, WAIT, "Meta's rate limit for new campaigns is reached.", "throttled"),
    Entry(None, 2300080, WAIT, "Meta's rate limit for token lists is reached.", "throttled"),
)

_BY_NUMBERS = {(entry.code, entry.subcode): entry for entry in TABLE}


def find_entry(code: int | None, subcode: int | None) -> tuple[Entry, int] | None:
    """The row for an error and the number that decided, or None for a number nobody documents."""
    for number in (subcode, code):
        if number is not None and number in MARKETING:
            return _BY_NUMBERS.get((None, number), UNLISTED_MARKETING), number
    if code is not None and subcode is not None and (pair := _BY_NUMBERS.get((code, subcode))):
        return pair, subcode
    for number in (subcode, code):
        if number is not None and (alone := _BY_NUMBERS.get((None, number))):
            return alone, number
    if code is None:
        return None
    if entry := _BY_NUMBERS.get((code, None)):
        return entry, code
    return next(((entry, code) for numbers, entry in FAMILIES if code in numbers), None)
