"""What audiences and their consents look like from outside, and whether an audience's people can be reached."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field

from guestlist.api.models import Document, Given, Instant, Shown, Words, spell_out
from guestlist.domain import consent, states
from guestlist.domain.audiences import describe_reachability
from guestlist.graph.base import AudienceInfo
from guestlist.storage.base import Row


class Attestation(Given):
    """The business's statement that everybody on a list agreed to marketing messages."""

    by: Words = Field(default="", description="Who says so.", examples=["Ann Lee, head of marketing"])
    words: Words = Field(default="", description="The exact words agreed to.", examples=["Yes, send me offers on Messenger."])
    basis: Words = Field(default="", description="How they agreed.", examples=["checkout checkbox"])

    @staticmethod
    def check(given: Attestation | None) -> consent.Attestation:
        """The attestation, complete. Errors: RefusedError `consent_missing`."""
        said = given or Attestation()
        return consent.check_attestation(said.by, said.words, said.basis)


class Reachability(BaseModel):
    """Whether Meta lets the audience's people be messaged yet."""

    code: Literal["waiting", "matching", "below_threshold", "visible", "closed"]
    sentence: str = Field(description="The same, for a person.")


class Audience(Shown):
    """An audience. Sizes are bounds: Meta tells no exact number."""

    id: str
    page_id: str = Field(description="Our id of its Page.")
    name: str
    description: str
    meta_id: str | None = Field(description="Meta's id, once it exists there.")
    origin: Literal["created", "adopted"]
    state: Annotated[str, spell_out(states.Audience)]
    reason: str = Field(description="Why it waits or stopped; empty otherwise.")
    lower: int | None = Field(description="People matched, at least; null while Meta does not tell.")
    upper: int | None = Field(description="People matched, at most.")
    operation_text: str = Field(description="What Meta says it is doing with it.")
    reachability: Reachability
    read_at: Instant | None = Field(description="When Meta was last asked.")
    created_at: Instant

    @classmethod
    def of(cls, row: Row) -> Self:
        """Shapes a row."""
        code, sentence = describe_reachability(row)
        return cls.model_validate({**row, "reachability": {"code": code.value, "sentence": sentence}})


class RemoteAudience(BaseModel):
    """A Messenger list as Meta has it."""

    meta_id: str
    name: str
    description: str
    page_id: str | None = Field(description="Meta's id of its Page, where Meta tells.")
    page_name: str | None
    lower: int | None
    upper: int | None
    operation_text: str
    delivery_text: str

    @classmethod
    def of_info(cls, info: AudienceInfo) -> Self:
        """Shapes what the Graph client read."""
        return cls.model_validate({**asdict(info), "meta_id": info.id})


class Consent(Shown):
    """One entry of the append-only, hash-chained ledger."""

    number: int
    act: str = Field(description="`granted`, `withdrawn` or `restored`.")
    purpose: str
    channel: str
    source: str
    words: str
    basis: str
    by: str
    proof: Document
    at: Instant
    previous_hash: str
    hash: str = Field(description="SHA-256 over the previous hash and this entry.")
