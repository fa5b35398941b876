"""CITATION.cff: what the schema of the Citation File Format 1.2.0 asks for, and the same as the package says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

import zfwidgets

ROOT = Path(__file__).parents[2]
REQUIRED = {"cff-version", "message", "title", "authors"}
KNOWN = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url",
    "preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url",
    "version",
}  # fmt: skip


@pytest.fixture(scope="module")
def citation():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def package():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_it_has_what_the_schema_requires_and_nothing_that_it_does_not_know(citation):
    assert REQUIRED <= set(citation) <= KNOWN
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert all({"type", "title", "authors"} <= set(reference) for reference in citation["references"])
    assert len(set(citation["keywords"])) == len(citation["keywords"])


def test_it_says_the_same_as_the_package(citation, package):
    assert citation["version"] == zfwidgets.__version__
    assert citation["license"] == package["license"]
    assert citation["abstract"] == package["description"]
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in package["authors"]]


def test_it_names_the_paper(citation):
    (paper,) = citation["references"]
    assert paper["title"] == "Visualizing and Understanding Convolutional Networks"
    assert [author["family-names"] for author in paper["authors"]] == ["Zeiler", "Fergus"]
    assert (paper["year"], paper["url"]) == (2014, "https://arxiv.org/abs/1311.2901")
