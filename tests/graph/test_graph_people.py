"""Who is behind a PSID: as far as the token may know, and never an error because it may not."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from graph_mock import answer, make_client, refusal

from guestlist.graph.base import ErrorClass, GraphError, PersonProfile

ANA = {
    "id": "77",
    "first_name": "Ana",
    "last_name": "Diaz",
    "profile_pic": "https://cdn.example/a.jpg",
    "locale": "en_GB",
    "timezone": 5.5,
    "gender": "female",
}


def fields_of(request: Any) -> str:
    return str(dict(request.params)["fields"])


async def test_a_profile_is_read_with_what_there_is() -> None:
    client, transport = make_client(answer(ANA))
    profile = await client.read_profile("77")
    assert profile == PersonProfile("Ana", "Diaz", "https://cdn.example/a.jpg", "en_GB", "+05:30", "female")
    assert urlsplit(transport.request.url).path.endswith("/77")
    assert fields_of(transport.request) == "first_name,last_name,profile_pic,locale,timezone,gender"


@pytest.mark.parametrize(
    ("hours", "offset"), [(0, "+00:00"), (-8, "-08:00"), (-3.5, "-03:30"), ("2", "+02:00"), (99, ""), (None, ""), ("x", "")]
)
async def test_an_offset_in_hours_is_told_as_people_write_it(hours: object, offset: str) -> None:
    client, _ = make_client(answer({**ANA, "timezone": hours}))
    profile = await client.read_profile("77")
    assert profile is not None
    assert profile.timezone == offset


@pytest.mark.parametrize("nothing", [answer({}), answer({"id": "77"}), refusal(100, 33), refusal(10, 2018218), refusal(2018218)])
async def test_a_person_meta_tells_nothing_of_is_no_error(nothing: Any) -> None:
    client, _ = make_client(nothing)
    assert await client.read_profile("77") is None


async def test_a_token_without_the_extra_permissions_gets_the_basic_fields() -> None:
    client, transport = make_client(refusal(200, status=403), answer({"first_name": "Ana", "id": "77"}))
    assert await client.read_profile("77") == PersonProfile("Ana")
    assert [fields_of(request) for request in transport.requests][1] == "first_name,last_name,profile_pic"
    client, _ = make_client(refusal(200, status=403))
    assert await client.read_profile("77") is None


async def test_a_dead_token_is_told() -> None:
    client, _ = make_client(refusal(190, 463, status=401))
    with pytest.raises(GraphError) as caught:
        await client.read_profile("77")
    assert caught.value.kind is ErrorClass.RECONNECT
