"""The consent attestation on the command line: by flags, else asked for on a terminal, else nothing goes to Meta."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from guestlist.domain.consent import Attestation, check_attestation
from guestlist.errors import RefusedError

By = Annotated[str, typer.Option("--consent-by", metavar="WHO", help="Who attests that everybody on the list agreed.")]
Words = Annotated[str, typer.Option("--consent-words", metavar="TEXT", help="The exact words people agreed to.")]
Basis = Annotated[str, typer.Option("--consent-basis", metavar="TEXT", help="How they agreed, such as a checkbox at checkout.")]

QUESTIONS = {
    "by": "Who attests that everybody on this list agreed to marketing messages?",
    "words": "Which exact words did they agree to?",
    "basis": "How did they agree (checkbox at checkout, paper form …)?",
}


def collect_attestation(by: str, words: str, basis: str) -> Attestation:
    """The attestation. Errors: RefusedError `consent_missing` where parts are missing and nobody can be asked."""
    given = {"by": by, "words": words, "basis": basis}
    if sys.stdin.isatty():
        given = {part: text.strip() or ask(QUESTIONS[part]) for part, text in given.items()}
    try:
        return check_attestation(**given)
    except RefusedError as error:
        remedy = "Give --consent-by WHO, --consent-words TEXT and --consent-basis TEXT, or run it on a terminal and be asked."
        raise RefusedError(error.sentence, code=error.code, remedy=remedy, **error.data) from None


def ask(question: str) -> str:
    """A person's answer; the question goes to stderr."""
    answer: str = typer.prompt(question, default="", show_default=False, err=True)
    return answer
