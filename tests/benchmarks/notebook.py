"""A notebook in a real browser, its cells run, for the benchmarks that time what a user sees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, PATIENCE, chromium_path
from tests.browser.jupyter import JupyterServer
from tests.browser.pages import run_all_cells


@contextmanager
def opened(cells: Sequence[str], height: int) -> Iterator[Page]:
    """JupyterLab with these cells, in a window of that many pixels, when the first panel says that it is ready."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": height})
        page.set_default_timeout(PATIENCE)
        with JupyterServer(Path(folder)) as server:
            name = server.write(list(cells))
            page.goto(server.address(name, "lab", "light"))
            run_all_cells(page, server, name)
            page.wait_for_selector(".zf-status:has-text('Ready')")
            yield page
            server.stop_kernels()
        browser.close()
