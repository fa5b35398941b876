"""The feature explorer in a real browser: from the key on the slider to the painted projection."""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Page

from .notebook import opened
from .table import Row

CELLS = [
    "import zfwidgets as zf",
    'explorer = zf.FeatureExplorer(zf.load("squeezenet1_1"), layer="features.9.cat")\nexplorer',
]
LAYERS = ("features.3.cat", "features.6.cat", "features.9.cat", "features.12.cat")
STEPS = 30
REST = 50  # milliseconds between a painted picture and the next key, as of a hand that looks

# From the key to the frame after the next painted picture; null when the picture did not change.
KEY_TO_PAINT = """async (key) => {
  const canvas = document.querySelector(".zf-whole canvas");
  const handle = document.querySelector(".zf-feature .noUi-handle");
  handle.focus();
  const started = performance.now();
  const painted = new Promise((done) => {
    const observer = new MutationObserver(() => {
      observer.disconnect();
      requestAnimationFrame(() => done(performance.now() - started));
    });
    observer.observe(canvas, { attributes: true, attributeFilter: ["data-painted"] });
    setTimeout(() => { observer.disconnect(); done(null); }, 3000);
  });
  handle.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  return painted;
}"""


def rows() -> list[Row]:
    with opened(CELLS, height=1100) as page:
        fresh, again = measure(page)
    return [
        row("slider moved → new projection painted", fresh, 150),
        row("the same, units seen before", again, 60),
    ]


def measure(page: Page) -> tuple[list[float], list[float]]:
    """Times of new units, and of the same units on the way back, in four layers."""
    fresh, again = [], []
    for layer in LAYERS:
        choose(page, layer)
        fresh += key_times(page, "ArrowRight")
        again += key_times(page, "ArrowLeft")
    return fresh, again


def choose(page: Page, layer: str) -> None:
    """Drive the layer slider by keyboard to a layer, and rest."""
    page.focus(".zf-layer [role=slider]")
    chosen = page.locator(".zf-layer .zf-chosen")
    page.keyboard.press("Home")
    page.wait_for_timeout(500)
    while chosen.get_attribute("data-name") != layer:
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(50)
    page.wait_for_timeout(1500)


def key_times(page: Page, key: str) -> list[float]:
    times = []
    for _ in range(STEPS):
        times.append(page.evaluate(KEY_TO_PAINT, key))
        page.wait_for_timeout(REST)
    return [time for time in times if time is not None]


def row(what: str, times: list[float], most: float) -> Row:
    ordered = sorted(times)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return Row(
        what,
        f"median {median(ordered):.0f} ms, p95 {p95:.0f} ms ({len(ordered)} steps)",
        f"p95 ≤ {most:.0f} ms",
        p95 <= most,
    )
