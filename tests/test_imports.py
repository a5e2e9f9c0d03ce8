"""The import graph as it is drawn in the architecture page: arrows point inward, and the emulator stands alone."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "guestlist"

MAY = {  # folder -> what it may import of ours; "x.base" is a contract, "x" the whole folder
    "domain": {"domain", "errors"},
    "lists": {"lists", "domain", "errors"},
    "graph": {"graph", "domain", "errors"},
    "storage": {"storage", "domain", "lists.base", "errors"},
    "engine": {"engine", "domain", "errors"},
    "inbound": {"inbound", "domain", "errors"},
    "channels": {"channels", "graph", "domain", "errors"},
    "outbound": {"outbound", "domain", "errors"},
    "actions": {
        "actions",
        "domain",
        "lists.base",
        "graph.base",
        "engine.base",
        "channels.base",
        "outbound.base",
        "storage",
        "errors",
    },
    "emulator": {"emulator"},
    "api": {
        "api",
        "actions",
        "channels.base",
        "domain",
        "graph.base",
        "lists.base",
        "lists.rejects_csv",
        "outbound.base",
        "storage",
        "errors",
    },
}
NEVER = {  # implementations that only app.py, the doors' start-up and tests may know
    "actions": {
        "storage.sqlite",
        "storage.postgres",
        "storage.database",
        "storage.migrate",
        "storage.statements",
        "storage.writer",
    },
    "api": {"storage.sqlite", "storage.postgres", "storage.database", "storage.migrate", "storage.statements", "storage.writer"},
}


def imports_of(file: Path) -> set[str]:
    """Our modules that a file imports, as dotted paths below `guestlist`."""
    package = ("guestlist", *file.relative_to(ROOT).parent.parts)
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (above, node.module or "") if part)
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return {name.removeprefix("guestlist.") for name in found if name.startswith("guestlist.")}


def within(module: str, allowed: set[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in allowed)


@pytest.mark.parametrize("folder", MAY)
def test_imports_point_inward(folder):
    outward = {
        (str(file.relative_to(ROOT)), module)
        for file in (ROOT / folder).rglob("*.py")
        for module in imports_of(file)
        if not within(module, MAY[folder]) and not any(name.startswith(module + ".") for name in MAY[folder])
    }
    assert not outward


@pytest.mark.parametrize("folder", NEVER)
def test_implementations_stay_unknown(folder):
    known = {
        (str(file.relative_to(ROOT)), module)
        for file in (ROOT / folder).rglob("*.py")
        for module in imports_of(file)
        if within(module, NEVER[folder])
    }
    assert not known


def test_the_check_sees_an_outward_arrow(tmp_path):
    tree = ast.parse("from guestlist.storage.sqlite import SqliteDatabase")
    node = tree.body[0]
    assert isinstance(node, ast.ImportFrom)
    assert not within("storage.sqlite", MAY["domain"])
    assert within("storage.sqlite", NEVER["actions"])
