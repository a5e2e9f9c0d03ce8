"""`/v1/lists/mappings`: what an import said of columns is shown, used again and forgotten."""

from __future__ import annotations

from api_house import Api

FILE = b"Wer,Kontakt\nann@example.com,x\nbob@example.com,y\n"
SAID = {"region": "GB", "mapping": '{"Wer": "EMAIL", "column 2": "ignore"}'}
PATH = "/v1/lists/mappings"


async def test_what_an_import_says_is_listed_used_again_and_forgotten(api: Api) -> None:
    assert (await api.client.send_file("/v1/lists", FILE, SAID)).status == 201

    [mapping] = (await api.client.get(PATH)).json()["data"]
    report = (await api.client.send_file("/v1/lists/check", FILE, {"region": "GB"})).json()
    forgotten = await api.client.delete(f"{PATH}/{mapping['fingerprint']}")

    assert mapping["columns"] == [
        {"index": 0, "name": "Wer", "key": "EMAIL"},
        {"index": 1, "name": "Kontakt", "key": "ignore"},
    ]
    assert mapping["created_at"] == mapping["updated_at"] == "2026-11-20T12:00:00Z"
    assert (report["fingerprint"], report["mapping_from"]) == (mapping["fingerprint"], "saved")
    assert report["mapping_saved"] == "2026-11-20"
    assert forgotten.status == 204
    assert (await api.client.get(PATH)).json() == {"data": [], "next": None}
    assert (await api.client.send_file("/v1/lists/check", FILE, {"region": "GB"})).json()["mapping_from"] == "found"


async def test_the_listing_goes_on_from_its_cursor(api: Api) -> None:
    for column in ("A", "B", "C"):
        mapping = f'{{"{column}": "EMAIL"}}'
        await api.client.send_file("/v1/lists", f"{column}\nann@example.com\n".encode(), {"region": "GB", "mapping": mapping})

    first = (await api.client.get(PATH, {"limit": 2})).json()
    rest = (await api.client.get(PATH, {"limit": 2, "after": first["next"]})).json()

    assert {each["columns"][0]["name"] for each in first["data"] + rest["data"]} == {"A", "B", "C"}
    assert (len(first["data"]), rest["next"]) == (2, None)
    assert (await api.client.get(PATH, {"after": "nonsense"})).code == "bad_cursor"


async def test_what_cannot_be_a_fingerprint_is_not_found(api: Api) -> None:
    for fingerprint in ("0" * 32, "nonsense", "0" * 31 + "A"):
        answered = await api.client.delete(f"{PATH}/{fingerprint}")
        assert (answered.status, answered.code) == (404, "not_found")
