"""The version stands in one place, and nothing that names one is ahead of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import zfwidgets

ROOT = Path(__file__).parents[1]


def ordered(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def named_in(file: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / file).read_text(encoding="utf-8")))


def test_the_package_takes_its_version_from_the_module():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert settings["project"]["dynamic"] == ["version"]
    assert settings["tool"]["hatch"]["version"]["path"] == "zfwidgets/__init__.py"


def test_no_release_in_the_changelog_is_ahead_of_the_version():
    released = named_in("CHANGELOG.md", r"(?m)^## \[(\d[\d.]*)\] - \d{4}")
    assert all(ordered(version) <= ordered(zfwidgets.__version__) for version in released)


def test_binder_opens_a_release_that_is_not_ahead_of_the_version():
    tags = named_in("README.md", r"mybinder\.org/v2/gh/\w+/\w+/v([\d.]+)\?")
    assert len(tags) == 1
    assert ordered(tags.pop()) <= ordered(zfwidgets.__version__)
