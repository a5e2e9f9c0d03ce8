"""What a marketing message may hold, as a table."""

from __future__ import annotations

from typing import Any

import pytest
from emulator_client import MESSAGE

from guestlist.emulator.content import check_message
from guestlist.emulator.errors import GraphFault


def generic(**changes: Any) -> dict[str, Any]:
    element = {"title": "Sale", **changes.pop("element", {})}
    payload = {"template_type": "generic", "elements": [element], **changes}
    return {"attachment": {"type": "template", "payload": payload}}


def button(**changes: Any) -> dict[str, Any]:
    return generic(element={"buttons": [{"type": "web_url", "url": "https://shop.test", "title": "Shop", **changes}]})


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, 2300010),
        ({"text": "  "}, 2300010),
        ({"text": "x" * 641}, 100),
        ({"text": ["no"]}, 2300010),
        ({"text": "Hi {{nickname}}"}, 2300038),
        ({"text": "Hi", "quick_replies": [{}] * 14}, 100),
        ({"attachment": {"type": "image"}}, 2300010),
        (generic(template_type="carousel"), 2300010),
        (generic(elements=[]), 2300010),
        (generic(elements=[{"title": "x"}] * 11), 100),
        (generic(elements=["x"]), 2300010),
        (generic(element={"title": ""}), 100),
        (generic(element={"media_type": "video"}), 2300021),
        (generic(element={"media_type": "image"}), 2300022),
        (generic(element={"image_urls": [{}] * 7}), 2300046),
        (generic(element={"buttons": [{"type": "web_url"}] * 4}), 2300026),
        (button(type="account_link"), 2300023),
        (button(url=""), 2300024),
        (button(title=""), 2300025),
        (button(url="not a url"), 2300077),
        ({"text": "Hello {{first_name}}"}, None),
        (generic(element={"buttons": []}), None),
        (MESSAGE, None),
    ],
)
def test_message_content(message: dict[str, Any], code: int | None) -> None:
    if code is None:
        check_message(message)
        return
    with pytest.raises(GraphFault) as refused:
        check_message(message)
    assert refused.value.code == code
