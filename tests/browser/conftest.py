"""Fixtures for tests in a real browser: `open_notebook` for a Jupyter page, `blank_page` for a module alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from .jupyter import App, JupyterServer, Theme
from .pages import LIMIT, fail_on_errors, new_context, run_all_cells

FLAGS = [
    "--no-sandbox",  # as root, which containers often are
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a green picture
    "--use-fake-ui-for-media-stream",
]

expect.set_options(timeout=1000 * LIMIT)

OpenNotebook = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        except Error as error:
            _give_up(f"no browser could be started: {error.message.splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with JupyterServer(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """An empty profile for each test."""
    empty = new_context(browser, 1100, 800)
    yield empty
    empty.close()


@pytest.fixture
def blank_page(context: BrowserContext) -> Page:
    """A page without Jupyter, for a front-end module with a stub model."""
    return context.new_page()


@pytest.fixture
def open_notebook(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """`open_notebook(cells, app="lab" | "notebook" | "voila", theme="light" | "dark")`: a page with all cells run."""
    server = request.getfixturevalue("server")  # after the browser, so that no server starts where there is none
    others = server.kernels()

    def open_(cells: Sequence[str], *, app: App = "lab", theme: Theme = "light") -> Page:
        page, name = context.new_page(), server.write(cells)
        page.goto(server.address(name, app, theme))
        if app == "voila":  # it ran the cells while the page was loading
            fail_on_errors(page)
        else:
            run_all_cells(page, server, name)
        return page

    yield open_
    server.stop_kernels(but=others)


def chromium_path() -> str | None:
    """ZFWIDGETS_BROWSER, or a Chromium or Chrome on the path, or None for Playwright's own."""
    return os.environ.get("ZFWIDGETS_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")


def _give_up(reason: str) -> None:
    """A missing browser skips the tests on a laptop; where they are required it fails them."""
    required = os.environ.get("CI") or os.environ.get("ZFWIDGETS_REQUIRE_BROWSER") == "1"
    (pytest.fail if required else pytest.skip)(reason)
