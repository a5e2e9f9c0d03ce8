"""Statements become text and positional values, as each driver wants them."""

from __future__ import annotations

import pytest
from sqlalchemy import Boolean, bindparam, insert, literal, select, text, update

from guestlist.storage import statements
from guestlist.storage.statements import compile_statement
from guestlist.storage.tables import lanes, webhooks

BY_OWNER = select(lanes.c.lane).where(lanes.c.owner == bindparam("owner"), lanes.c.fence > 3)


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("sqlite", "SELECT lanes.lane FROM lanes WHERE lanes.owner = ? AND lanes.fence > ?"),
        ("postgresql", "SELECT lanes.lane FROM lanes WHERE lanes.owner = $1::VARCHAR AND lanes.fence > $2::BIGINT"),
    ],
)
def test_each_driver_gets_its_own_markers(dialect: str, expected: str) -> None:
    text_, values = compile_statement(BY_OWNER, dialect, ("owner",)).render({"owner": "me"})
    assert " ".join(text_.split()) == expected
    assert list(values) == ["me", 3]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_values_follow_the_markers_not_the_order_of_the_parameters(dialect: str) -> None:
    change = update(lanes).where(lanes.c.lane == bindparam("which")).values(owner=bindparam("who"), fence=7)
    text_, values = compile_statement(change, dialect, ("which", "who")).render({"which": "L", "who": "me"})
    assert text_.index("owner") < text_.index("fence") < text_.index("lane =")
    assert list(values) == ["me", 7, "L"]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_an_insert_names_just_the_columns_given_and_returns_nothing_unasked(dialect: str) -> None:
    text_, values = compile_statement(insert(webhooks), dialect, ("provider", "body")).render({"provider": "meta", "body": b""})
    assert "(provider, body)" in text_
    assert "RETURNING" not in text_
    assert list(values) == ["meta", b""]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_an_in_list_becomes_one_marker_a_value(dialect: str) -> None:
    query = select(lanes).where(lanes.c.lane.in_(bindparam("names", expanding=True)), lanes.c.fence == 1)
    for names in (["a"], ["a", "b", "c"]):
        text_, values = compile_statement(query, dialect, ("names",)).render({"names": names})
        assert text_.count("?") + text_.count("$") == len(names) + 1
        assert sorted(map(str, values)) == ["1", *names]


def test_bind_processors_are_applied() -> None:
    _, values = compile_statement(select(literal(True, Boolean)), "sqlite", ()).render({})
    assert [type(value) for value in values] == [int]


def test_an_in_list_cannot_be_run_for_many_rows() -> None:
    query = update(lanes).where(lanes.c.lane.in_(bindparam("names", expanding=True))).values(fence=1)
    with pytest.raises(ValueError, match="IN list"):
        compile_statement(query, "sqlite", ("names",)).render_many([{"names": ["a"]}])


def test_a_statement_met_again_is_not_compiled_again() -> None:
    query = select(lanes.c.owner).where(lanes.c.lane == bindparam("lane"))
    compile_statement(query, "sqlite", ("lane",))
    assert compile_statement(query, "sqlite", ("lane",)) is compile_statement(query, "sqlite", ("lane",))


def test_statements_of_one_form_share_their_text_and_keep_their_values() -> None:
    first, second = (compile_statement(select(lanes).where(lanes.c.fence == n), "sqlite", ()) for n in (1, 2))
    assert first.shape is second.shape
    assert [list(one.render({})[1]) for one in (first, second)] == [[1], [2]]


def test_statements_built_for_many_rows_are_not_kept() -> None:
    kept = len(statements._by_shape)
    rows = [{"lane": str(n), "owner": "", "fence": n, "expires_at": 0} for n in range(3)]
    text_, values = compile_statement(insert(lanes).values(rows), "sqlite", ()).render({})
    assert text_.count("?") == len(values) == 12
    assert len(statements._by_shape) == kept


def test_plain_text_takes_named_parameters() -> None:
    statement = text("SELECT :b AS b, :a AS a, :b AS again")
    assert list(compile_statement(statement, "sqlite", ("a", "b")).render({"a": 1, "b": 2})[1]) == [2, 1, 2]
    written, values = compile_statement(statement, "postgresql", ("a", "b")).render({"a": 1, "b": 2})
    assert [written.count("$1"), written.count("$2"), sorted(values)] == [2, 1, [1, 2]]
