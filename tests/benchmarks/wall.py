"""The wall of top activations in a real browser: from the key on the layer slider to the full page of projections.

What is promised of the second visit is that nothing is computed again; the first one is bounded by arithmetic: a
projection of the upper layers is up to 700 million multiply–adds.
"""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Page

from .notebook import opened
from .table import Row

CELLS = ['import zfwidgets as zf\npanel = zf.TopNine(zf.load("squeezenet1_1"), show="projections")\npanel']
LAYERS = 22  # on the slider

# From the key to the first picture of the new page, and to the last one, when the status says so; of a page that has
# been seen before, the first picture is the last one.
KEY_TO_PAGE = """async ([key, seen]) => {
  const wall = document.querySelector(".zf-nine-wall canvas");
  const status = document.querySelector(".zf-top-nine .zf-status-words");
  const handle = document.querySelector(".zf-top-nine .zf-layer [role=slider]");
  handle.focus();
  const started = performance.now();
  let first = null;
  const done = new Promise((resolve) => {
    const finish = () => requestAnimationFrame(() => resolve([first, performance.now() - started]));
    const painted = new MutationObserver(() => {
      first ??= performance.now() - started;
      if (seen) finish();
    });
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
        page.focus(".zf-top-nine .zf-layer [role=slider]")
        page.keyboard.press("Home")
        page.wait_for_timeout(3000)
        times, again = visit(page, "ArrowRight", seen=False), visit(page, "ArrowLeft", seen=True)
    first, full = zip(*times, strict=True)
    lower, upper = full[: len(full) // 2], full[len(full) // 2 :]
    return [
        row("layer changed → the page's patches begin", first, 200),
        row("the same → all its projections, lower half of the layers", lower, 1000),
        row("the same, upper half", upper, 1000),
        row("the same, seen before", tuple(full for _, full in again), 200),
    ]


def visit(page: Page, key: str, seen: bool) -> list[tuple[float, float]]:
    """Every layer of the slider, one after the other."""
    times = []
    for _ in range(LAYERS - 1):
        times.append(page.evaluate(KEY_TO_PAGE, [key, seen]))
        page.wait_for_timeout(300)
    return [time for time in times if time is not None]


def row(what: str, times: tuple[float, ...], promised: int) -> Row:
    worst = max(times)
    measured = f"median {median(times):.0f} ms, longest {worst:.0f} ms ({len(times)} layers)"
    return Row(what, measured, f"≤ {promised} ms", worst <= promised)
