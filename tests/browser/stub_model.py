"""A front-end module alone in a page, with a stub in place of the widget's model: no Jupyter, no kernel."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

import zfwidgets
from zfwidgets.widgets.tokens import styled

WIDGETS = Path(zfwidgets.__file__).parent / "widgets"

# As Jupyter's models do: `receive` sets all of a message's values before any listener hears of them.
SETUP = """async ({ source, state }) => {
  const listeners = {};
  window.sent = [];
  let unsent = {};
  const asJupyterGivesIt = (value) =>
    value?.data ? { ...value, data: new DataView(new Uint8Array(value.data).buffer) } : value;
  const notify = (names) => names.forEach((name) => (listeners[`change:${name}`] ?? []).forEach((call) => call()));
  window.model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = unsent[name] = value; notify([name]); },
    save_changes: () => { sent.push(unsent); unsent = {}; },
    on: (event, call) => (listeners[event] ??= []).push(call),
    off: () => {},
  };
  window.receive = (message) => {
    for (const [name, value] of Object.entries(message)) state[name] = asJupyterGivesIt(value);
    notify(Object.keys(message));
  };
  const module = await import("data:text/javascript;charset=utf-8," + encodeURIComponent(source));
  module.default.render({ model, el: document.querySelector("main") });
}"""

FRAMES = """(count) => new Promise((done) => {
  const wait = (left) => (left ? requestAnimationFrame(() => wait(left - 1)) : done());
  wait(count);
})"""


def render(page: Page, name: str, state: Mapping[str, Any]) -> None:
    """Render the room's `name`.js, styled by its `name`.css, for a model with these values; a button stands behind."""
    style = styled(WIDGETS / name / f"{name}.css")
    page.set_content(f"<style>body {{ margin: 0 }} {style}</style><main></main><button>after</button>")
    page.evaluate(SETUP, {"source": (WIDGETS / name / f"{name}.js").read_text(), "state": dict(state)})


def receive(page: Page, **message: Any) -> None:
    """Give the model one message from the kernel; bytes are {"data": [0, 255, …], …}."""
    page.evaluate("message => receive(message)", message)


def sent(page: Page, name: str) -> list[Any]:
    """The values of one trait that were sent to the kernel, in order."""
    return [message[name] for message in page.evaluate("sent") if name in message]


def wait_frames(page: Page, count: int = 2) -> None:
    """Let the page draw: what was put off to the next frame is then done."""
    page.evaluate(FRAMES, count)
