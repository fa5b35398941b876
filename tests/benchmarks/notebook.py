"""A notebook in a real browser, its cells run, for the benchmarks that time what a user sees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser import pages
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.jupyter import JupyterServer


@contextmanager
def opened(cells: Sequence[str], height: int) -> Iterator[Page]:
    """JupyterLab with these cells, in a window of that many pixels, when the first panel says that it is ready."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        with JupyterServer(Path(folder)) as server, pages.opened(browser, server, cells, height) as page:
            yield page
        browser.close()
