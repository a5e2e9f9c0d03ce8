"""The reference page says all there is: options, control calls, switches, the world."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulator_client import Client

from guestlist.emulator.__main__ import build_parser
from guestlist.emulator.control import CONTROLS
from guestlist.emulator.routes import ROUTES
from guestlist.emulator.switches import SWITCHES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "emulator.md").read_text(encoding="utf-8")


def test_every_option_stands_in_the_reference() -> None:
    options = [name for action in build_parser()._actions for name in action.option_strings if name.startswith("--")]
    assert [name for name in options if name != "--help" and f"`{name}`" not in PAGE] == []


def test_every_control_call_edge_and_switch_stands_in_the_reference() -> None:
    controls = {path.strip("/") for path in CONTROLS}
    edges = {edge for _, edge, _ in ROUTES if edge}
    forms = {form for allowed in SWITCHES.values() for form in allowed}
    for word in controls | edges | set(SWITCHES) | forms:
        assert word in PAGE, word


@pytest.mark.asyncio(loop_scope="session")
async def test_the_documented_world_is_the_real_one(graph: Client) -> None:
    for name, value in graph.world.items():
        assert f"`{name}`" in PAGE
        assert value in PAGE
