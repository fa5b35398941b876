"""Drive a notebook's page as a reader would: run its cells, reload it, and look at what it painted."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page

from .jupyter import THEMES, JupyterServer, Theme

LIMIT = 120  # seconds for whatever is waited for: never reached where all is well, however busy the machine
WHOLE = 900  # seconds for all cells of a notebook, some of which train networks, likewise
READY = ".zf-status:has-text('Ready')"
IDLE = ".jp-Notebook-ExecutionIndicator[data-status='idle']"

# The text's colour, as it is seen on what lies behind it, and that; painted, so that any way of writing them will do.
COLOURS = """(element) => {
  let behind = element;
  while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const seen = [getComputedStyle(behind).backgroundColor, getComputedStyle(element).color].map((colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return `rgb(${[...context.getImageData(0, 0, 1, 1).data].slice(0, 3).join(", ")})`;
  });
  return seen.reverse();
}"""

# A traceback shares its type with all that goes to stderr; only its first line tells.
TRACEBACKS = r"""() => [...document.querySelectorAll("[data-mime-type='application/vnd.jupyter.stderr']")]
  .map((output) => output.textContent)
  .filter((text) => /^-{70}|^ *Cell In\[/m.test(text))"""

# Every cell with something in it has a number, or one has failed and the others will never run.
FINISHED = rf"""() => {{
  if (({TRACEBACKS})().length > 0) return true;
  const cells = [...document.querySelectorAll(".jp-CodeCell")];
  const written = cells.filter((cell) => cell.querySelector(".cm-content")?.textContent.trim());
  const hasNumber = (cell) => /\[\d+\]/.test(cell.querySelector(".jp-InputPrompt").textContent);
  return written.length > 0 && written.every(hasNumber);
}}"""

# A still picture has the class names of its panel. While the page hides it, they are taken from it, so that a test that
# names a part means the panel's, however long the panel has been at rest.
NAMELESS = """
const forget = () => {
  for (const still of document.querySelectorAll("[data-zf-still]")) {
    if (still.checkVisibility()) continue;
    for (const part of still.querySelectorAll("[class]")) part.removeAttribute("class");
  }
};
new MutationObserver(forget).observe(document, { childList: true, subtree: true });
"""

PIXELS = """(canvas) => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  let text = "";
  for (let i = 0; i < data.length; i += 8192) text += String.fromCharCode(...data.subarray(i, i + 8192));
  return [height, width, btoa(text)];
}"""


def new_context(browser: Browser, width: int, height: int) -> BrowserContext:
    """An empty profile: its pages have this many pixels, wait as long as they must, and move nothing by themselves."""
    context = browser.new_context(viewport={"width": width, "height": height}, reduced_motion="reduce")
    context.set_default_timeout(1000 * LIMIT)
    context.add_init_script(NAMELESS)
    return context


@contextmanager
def opened(
    browser: Browser, server: JupyterServer, cells: Sequence[str], height: int, ready: str = READY
) -> Iterator[Page]:
    """JupyterLab with these cells run, in a window of that many pixels, once it shows that it is ready."""
    context = new_context(browser, 1280, height)
    page, name, others = context.new_page(), server.write(list(cells)), server.kernels()
    page.goto(server.address(name, "lab", "light"))
    run_all_cells(page, server, name)
    page.wait_for_selector(ready)
    yield page
    context.close()
    server.stop_kernels(but=others)


def kernel(page: Page) -> dict[str, Any]:
    """What the kernel holds, as the notebook tells it: see `telling`."""
    return json.loads(page.locator(".zf-kernel").inner_text())


def eventually(page: Page, question: Callable[[], Any], seconds: float = LIMIT) -> Any:
    """What the question returns as soon as that is true; when the time is up, whatever it returns."""
    last = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < last:
        page.wait_for_timeout(20)
    return answer


def wait_until(page: Page, question: Callable[[dict[str, Any]], bool], seconds: float = LIMIT) -> dict[str, Any]:
    """Wait until what the kernel holds is so, and return it."""
    state: dict[str, Any] = {}

    def asked() -> bool:
        state.update(kernel(page))
        return question(state)

    assert eventually(page, asked, seconds), f"still not so: {state}"
    return state


def run_all_cells(page: Page, server: JupyterServer, name: str) -> None:
    """Run the notebook in `page` (Lab, Notebook 7) to its end; a cell's error fails the test with its traceback."""
    wait_for_kernel(page, server, name)
    start_all_cells(page)
    page.wait_for_function(FINISHED, timeout=1000 * WHOLE)
    fail_on_errors(page)


def start_all_cells(page: Page) -> None:
    """Choose "Run all" in the menu (Lab, Notebook 7)."""
    page.click(".lm-MenuBar-itemLabel:text-is('Run')")
    page.click("li[data-command='runmenu:run-all']")


def run_cell(page: Page, place: int) -> None:
    """Run one cell of the notebook in `page` (Lab, Notebook 7), counted from 0, and wait for its end."""
    cell = page.locator(".jp-CodeCell").nth(place)
    prompt = cell.locator(".jp-InputPrompt").first
    former = prompt.inner_text()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    assert eventually(page, lambda: re.search(r"\d", prompt.inner_text()) and prompt.inner_text() != former)
    fail_on_errors(page)


def wait_for_kernel(page: Page, server: JupyterServer, name: str) -> None:
    """Wait until the page has its kernel; it says "idle" before, too, and forgets cells that are run too early."""
    server.wait_for_kernel(name)
    page.wait_for_selector(IDLE, state="attached")


def fail_on_errors(page: Page) -> None:
    """Fail with the tracebacks that the page shows, if it shows any."""
    tracebacks = page.evaluate(TRACEBACKS)
    assert not tracebacks, "a cell failed:\n" + "\n".join(tracebacks)


def reload(page: Page, server: JupyterServer) -> None:
    """Save the notebook and load its page anew (Lab, Notebook 7); the kernel lives on and no cell runs again."""
    name = save(page, server).name
    page.reload()
    wait_for_kernel(page, server, name)


def save(page: Page, server: JupyterServer) -> Path:
    """Save the notebook (Lab, Notebook 7), with its outputs, and return where."""
    path = server.notebooks / page.url.partition("?")[0].rpartition("/")[2]
    former = path.stat().st_mtime_ns
    page.click(".lm-MenuBar-itemLabel:text-is('File')")
    page.click("li[data-command='docmanager:save']")
    _wait_for_outputs(path, former, page)
    return path


def _wait_for_outputs(path: Path, former: int, page: Page) -> None:
    last = time.monotonic() + LIMIT
    while time.monotonic() < last:
        with suppress(nbformat.reader.NotJSONError):  # read while it was being written
            saved = path.stat().st_mtime_ns != former
            if saved and any(cell.outputs for cell in nbformat.read(path, as_version=4).cells):
                return
        page.wait_for_timeout(50)
    raise AssertionError(f"{path.name} was never saved with its outputs")


def canvas_pixels(page: Page, selector: str) -> np.ndarray:
    """The pixels of a canvas as it is painted now, uint8 (H, W, 4)."""
    height, width, text = page.locator(selector).evaluate(PIXELS)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)


def change_theme(page: Page, theme: Theme) -> None:
    """Choose a theme in JupyterLab's menu."""
    page.evaluate("name => window.jupyterapp.commands.execute('apputils:change-theme', { theme: name })", THEMES[theme])
    is_light = "light => document.body.dataset.jpThemeLight === String(light)"
    page.wait_for_function(is_light, arg=theme == "light")


def open_more(page: Page, panel: str = ".zf-panel") -> None:
    """Let a panel show its rarer controls, too."""
    button = page.locator(f"{panel} .zf-more button").first
    if button.get_attribute("aria-expanded") == "false":
        button.click()


def choose_image(page: Page, name: str, panel: str = ".zf-panel") -> None:
    """By its thumbnail."""
    page.locator(f"{panel} .zf-thumbnail[data-name='{name}']").first.click()


def screenshot(page: Page, name: str, selector: str | None = None) -> None:
    """Save the page, or one element, as `name`.png in the folder ZFWIDGETS_SCREENSHOTS; nothing where it is not set."""
    folder = os.environ.get("ZFWIDGETS_SCREENSHOTS")
    if not folder:
        return
    path = Path(folder) / f"{name}.png"
    (page.locator(selector) if selector else page).screenshot(path=path)


def contrast(page: Page, selector: str) -> float:
    """Of the text with what lies behind it, by WCAG 2: from 1 to 21."""
    colours = page.locator(selector).first.evaluate(COLOURS)
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Of a CSS colour `rgb(…)`, by WCAG 2: from 0, black, to 1, white."""
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
