"""The world: everything that exists, and what it starts with."""

from __future__ import annotations

from .auth import ALL_SCOPES, PAGE_SCOPES, Token
from .config import EmulatorConfig
from .crowd import Crowd, Person
from .people import People
from .things import NEVER, AdAccount, App, Attachment, Audience, Business, Campaign, Comment, Page, Subscriber, Thread, User

# The world every emulator starts with. Ids are odd numbers above 2^53: a client that reads them as floats gets them wrong.
APP_ID = "17020000000000011"
APP_SECRET = "emulator-app-secret"  # noqa: S105 - documented, made up
VERIFY_TOKEN = "emulator-verify-token"  # noqa: S105 - documented, made up
PAGE_ID = "10500000000000021"
PAGE_NAME = "Northwind Coffee"
BUSINESS_ID = "20300000000000031"
AD_ACCOUNT = "30400000000000041"
USER_ID = "40500000000000051"
SYSTEM_USER_ID = "50600000000000061"
PAGE_TOKEN = "EAAEmulatorPageToken"  # noqa: S105 - documented, made up
SYSTEM_USER_TOKEN = "EAAEmulatorSystemUserToken"  # noqa: S105 - documented, made up
USER_TOKEN = "EAAEmulatorUserToken"  # noqa: S105 - documented, made up

ORGANIC_SOURCES = ("CTM", "CTM", "CTM", "COMMENT_AUTOMATION", "COMMENT_AUTOMATION", "REPLY_AUTOMATION")
DAY = 86400.0


class World:
    """Everything that exists, found by id."""

    def __init__(self, config: EmulatorConfig, crowd: Crowd, now: float) -> None:
        self._config = config
        self._crowd = crowd
        self._made = 0
        self.objects: dict[str, object] = {}
        self.tokens: dict[str, Token] = {}
        self.subscribers: dict[str, Subscriber] = {}
        self.pages: dict[str, Page] = {}
        self.accounts: dict[str, AdAccount] = {}
        self.audiences: dict[str, Audience] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.threads: dict[str, Thread] = {}
        self.comments: dict[str, Comment] = {}
        self.user_refs: dict[tuple[str, str], Thread] = {}  # (Page, user_ref) of a checkbox -> whose it is
        self.attachments: dict[str, Attachment] = {}
        self.people = People(crowd)
        self.app = App(APP_ID, APP_SECRET)
        self.business = Business(BUSINESS_ID)
        self.user = User(USER_ID, "Alex Example")
        self.system_user = User(SYSTEM_USER_ID, "Emulator System User")
        for thing in (self.app, self.business, self.user, self.system_user):
            self.objects[thing.id] = thing
        self.add_account("Northwind Ads", now, account_id=AD_ACCOUNT)
        self.add_page(PAGE_NAME, now, page_id=PAGE_ID, token=PAGE_TOKEN)
        self.add_token(Token(USER_TOKEN, "USER", USER_ID, frozenset(ALL_SCOPES), issued=now))
        self.add_token(Token(SYSTEM_USER_TOKEN, "SYSTEM_USER", SYSTEM_USER_ID, frozenset(ALL_SCOPES), issued=now))
        self.add_token(Token(f"{APP_ID}|{APP_SECRET}", "APP", APP_ID, frozenset(), issued=now))

    def new_id(self, prefix: str) -> str:
        """A fresh id: 17 digits, odd."""
        self._made += 1
        return f"{prefix}{10**14 + 2 * self._made + 1}"

    def add_token(self, token: Token) -> Token:
        self.tokens[token.value] = token
        return token

    def add_account(self, name: str, now: float, *, account_id: str | None = None) -> AdAccount:
        account = AdAccount(account_id or self.new_id("31"), name, BUSINESS_ID)
        self.accounts[account.id] = account
        self.objects[f"act_{account.id}"] = account
        return account

    def add_page(self, name: str, now: float, *, page_id: str | None = None, token: str | None = None) -> Page:
        """A Page with its token and its organic subscribers."""
        chosen = page_id or self.new_id("11")
        page = Page(chosen, name, token or f"EAAEmulatorPageToken{chosen}")
        self.pages[page.id] = page
        self.objects[page.id] = page
        self.add_token(Token(page.token, "PAGE", USER_ID, frozenset(PAGE_SCOPES), page_id=page.id, issued=now))
        for number in range(self._config.organic):
            person = self._crowd.organic(f"{page.id}:{number}")
            since = now - DAY * (2 + number)
            thread = self.open_thread(page, person, since)
            self.subscribe(page, person, since, source=ORGANIC_SOURCES[number % len(ORGANIC_SOURCES)], thread=thread)
        return page

    def open_thread(self, page: Page, person: Person, when: float = NEVER) -> Thread:
        """The conversation of this person with the Page; made when one of them writes for the first time. `when`: they wrote."""
        psid = f"24{10**14 + self._crowd.number(person, f'psid:{page.id}') % (9 * 10**14) | 1}"
        thread = self.threads.get(psid)
        if thread is None:
            thread = Thread(psid, page, person, when, self.find_subscriber(page, person))
            self.threads[psid] = thread
            self.objects[psid] = thread
        return thread

    def find_subscriber(self, page: Page, person: Person) -> Subscriber | None:
        """The person's subscription; two people who turned out to be one may have been keyed under another digest."""
        return next((page.by_person[digest] for digest in person.digests if digest in page.by_person), None)

    def subscribe(
        self, page: Page, person: Person, when: float, *, source: str | None, thread: Thread | None = None
    ) -> Subscriber:
        """The person's one token on the Page; a second way in finds the first token."""
        known = self.find_subscriber(page, person)
        if known is not None:
            return known
        token = f"5{10**15 + self._crowd.number(person, f'token:{page.id}') % (9 * 10**15) | 1}"
        while token in self.subscribers:
            token = str(int(token) + 2)
        subscriber = Subscriber(token, page, person, when, source, thread=thread)
        if thread is not None:
            thread.subscriber = subscriber
        page.subscribers.append(subscriber)
        page.by_person[person.key] = subscriber
        self.subscribers[token] = subscriber
        return subscriber

    def add_audience(self, audience: Audience) -> None:
        audience.account.audiences.append(audience)
        self.audiences[audience.id] = audience
        self.objects[audience.id] = audience

    def add_campaign(self, campaign: Campaign) -> None:
        campaign.account.campaigns.append(campaign)
        self.campaigns[campaign.id] = campaign
        self.objects[campaign.id] = campaign
