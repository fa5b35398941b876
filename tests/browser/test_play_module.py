"""The play button alone in a page: what it sends, and when."""

import pytest

from .stub_model import receive, render, sent

pytestmark = pytest.mark.browser


@pytest.fixture
def page(blank_page):
    render(blank_page, "play", {"place": 3, "count": 6, "playing": False, "interval": 20, "what": "<i>blur"})
    return blank_page


def test_it_goes_to_the_last_place_and_stops(page):
    button = page.get_by_role("button", name="Play <i>blur")
    button.press("Enter")
    page.wait_for_function("sent.length === 4")
    assert page.evaluate("sent") == [{"playing": True}, {"place": 4}, {"place": 5}, {"playing": False}]
    button.press("Space")
    page.wait_for_function("sent.length === 11")
    assert page.evaluate("sent.slice(4, 6)") == [{"place": 0, "playing": True}, {"place": 1}]
    assert sent(page, "playing")[-1] is False


def test_a_second_press_and_the_kernel_stop_it(page):
    receive(page, count=1000)
    page.get_by_role("button", name="Play <i>blur").click()
    page.wait_for_function("sent.length > 2")
    page.get_by_role("button", name="Stop <i>blur").click()
    assert sent(page, "playing") == [True, False]
    page.get_by_role("button", name="Play <i>blur").click()
    receive(page, playing=False)
    count = len(sent(page, "place"))
    page.wait_for_timeout(100)  # five steps
    assert len(sent(page, "place")) == count
