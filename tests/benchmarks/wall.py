"""The wall of top activations in a real browser: from the key on the layer slider to the full page of projections."""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Page

from .notebook import opened
from .table import Row

CELLS = ['import zfwidgets as zf\npanel = zf.TopNine(zf.load("squeezenet1_1"))\npanel']

# From the key to the first picture of the new page, and to the last one, when the status says so.
KEY_TO_PAGE = """async (key) => {
  const wall = document.querySelector(".zf-nine-wall canvas");
  const status = document.querySelector(".zf-top-nine .zf-status-words");
  const handle = document.querySelector(".zf-top-nine .zf-layer [role=slider]");
  handle.focus();
  const started = performance.now();
  let first = null;
  const done = new Promise((resolve) => {
    const finish = () => requestAnimationFrame(() => resolve([first, performance.now() - started]));
    const painted = new MutationObserver(() => { first ??= performance.now() - started; });
    painted.observe(wall, { attributes: true, attributeFilter: ["data-painted"] });
    const said = new MutationObserver(() => { if (first && status.textContent.startsWith("Ready")) finish(); });
    said.observe(status, { childList: true, subtree: true, characterData: true });
    setTimeout(() => resolve(null), 20000);
  });
  handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  return done;
}"""


def rows() -> list[Row]:
    with opened(CELLS, height=1400) as page:
        times = climb(page)
    first, full = zip(*times, strict=True)
    lower, upper = full[: len(full) // 2], full[len(full) // 2 :]
    return [
        row("layer changed → the page of 16 × 9 patches", first),
        row("the same → all 144 projections, lower half of the layers", lower),
        row("the same, upper half", upper),
    ]


def climb(page: Page) -> list[tuple[float, float]]:
    """Every layer of the slider, from the lowest."""
    page.focus(".zf-top-nine .zf-layer [role=slider]")
    page.keyboard.press("Home")
    page.wait_for_timeout(3000)
    times = []
    for _ in range(21):
        times.append(page.evaluate(KEY_TO_PAGE, "ArrowRight"))
        page.wait_for_timeout(300)
    return [time for time in times if time is not None]


def row(what: str, times: tuple[float, ...]) -> Row:
    worst = max(times)
    return Row(
        what, f"median {median(times):.0f} ms, longest {worst:.0f} ms ({len(times)} layers)", "≤ 1000 ms", worst <= 1000
    )
