"""`guestlist pages matching`: whether a Page may be asked to match phone numbers, and what Meta asks for before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from guestlist.cli.installation import in_installation
from guestlist.cli.options import Json
from guestlist.cli.output import print_json, print_table, print_text
from guestlist.domain.matching import FeePeriod, PhoneMatching

if TYPE_CHECKING:
    from guestlist.actions.matching import Matching
    from guestlist.app import App

OurId = Annotated[str, typer.Argument(metavar="PAGE", help="The Page's id here, `pag_…`.", show_default=False)]


def matching(
    context: typer.Context,
    page: OurId,
    enable: Annotated[
        bool | None, typer.Option("--enable/--suspend", help="Meta lets this Page match phone numbers again, or no more.")
    ] = None,
    fee_paid_on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="When the fee of 99 USD was paid.")
    ] = None,
    fee_period: Annotated[FeePeriod | None, typer.Option(help="How often it is due, as you were told.")] = None,
    us_admin: Annotated[bool | None, typer.Option(help="The Page has an admin in the United States.")] = None,
    non_promotional: Annotated[bool | None, typer.Option(help="Nothing promotional is sent before somebody accepts.")] = None,
    as_json: Json = False,
) -> None:
    """Print what matching by phone number asks of a Page, and who vouches for it. Options declare; what is not given stays.

    Example: `guestlist pages matching pag_… --enable --fee-paid-on 2026-03-01 --fee-period once --us-admin --non-promotional`
    """
    said = {
        "fee_paid_on": fee_paid_on.date() if fee_paid_on else None,
        "fee_period": fee_period,
        "us_admin": us_admin,
        "non_promotional": non_promotional,
    }
    given: dict[str, Any] = {name: value for name, value in said.items() if value is not None}

    async def task(app: App) -> Matching:
        from guestlist.actions.matching import declaration_of, declare_matching, read_matching, state_of

        if given or enable is not None:
            row = await app.services.get_page(app.workspace_id, page)
            state = state_of(row) if enable is None else PhoneMatching.ENABLED if enable else PhoneMatching.SUSPENDED
            declaration = replace(declaration_of(row), **given)
            await declare_matching(app.services, app.workspace_id, page, state, declaration, by="cli")
        return await read_matching(app.services, app.workspace_id, page)

    found = in_installation(context, task)
    if as_json:
        from guestlist.api.page_matching import PageMatching

        print_json(PageMatching.of_matching(found).model_dump(mode="json"))
        return
    print_text(f"Matching by phone number: {found.state.value}.")
    words = {True: "yes", False: "no", None: "not known"}
    print_table(
        ("Condition", "Met", "Says", "Why", "What to do"),
        [(each.name, words[each.met], each.by.value, each.sentence, each.remedy) for each in found.conditions],
    )
