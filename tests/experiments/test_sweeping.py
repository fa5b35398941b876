"""A sweep that is waited for: the same arguments, and one result instead of many."""

from __future__ import annotations

import inspect
import typing

import pytest

import zfwidgets as zf


@pytest.mark.parametrize("name", ["occlusion", "invariance"])
def test_it_takes_what_the_sweep_takes_and_says_that_it_gives_one_result(name):
    one, sweep = getattr(zf, name), getattr(zf, f"{name}_sweep")
    assert inspect.signature(one).parameters == inspect.signature(sweep).parameters
    result = getattr(zf, name.capitalize())
    assert typing.get_type_hints(one)["return"] is result
    assert inspect.signature(one).return_annotation == result.__name__
