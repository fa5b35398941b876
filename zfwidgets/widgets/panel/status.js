// @ts-check
/** How a panel stands, in the kernel's words; and what a kernel cannot say: that it is busy elsewhere, or has stopped. */

// Milliseconds. The question goes out behind what the gesture itself sends, and seldom: each message takes its time.
const BEHIND = 200;
const SELDOM = 2000;
const PATIENCE = 500; // in which a kernel that is free has answered
const WAITING = "Waiting for other cells";
const STOPPED = "The kernel has stopped. Run this cell again.";
const ENDS = new Set(["restarting", "autorestarting", "terminating", "dead"]); // of a kernel, and of all its widgets
/** @type {Record<string, string>} */
const SIGNS = { ready: "●", busy: "◐", error: "▲", waiting: "◌", stopped: "▲" };

/** @type {import("@anywidget/types").Render} */
function render({ model, el }) {
  const sign = document.createElement("span");
  sign.className = "zf-status-sign";
  sign.setAttribute("aria-hidden", "true");
  const words = document.createElement("span");
  words.className = "zf-status-words";
  const cancel = document.createElement("button");
  cancel.className = "zf-status-cancel jupyter-button widget-button";
  cancel.textContent = "Cancel";
  cancel.addEventListener("click", () => model.send("cancel"));
  el.append(sign, words, cancel);

  /** @type {number | undefined} */
  let asked;
  let heard = -Infinity;
  let waiting = false;
  let stopped = false;

  const draw = () => {
    const state = stopped ? "stopped" : waiting ? "waiting" : model.get("state");
    const serious = state === "error" || state === "stopped";
    el.dataset.state = state;
    el.title = model.get("hint");
    el.classList.toggle("zf-error", serious);
    words.setAttribute("role", serious ? "alert" : "status");
    const said = stopped ? STOPPED : waiting ? WAITING : model.get("words");
    if (words.textContent !== said) words.textContent = said;
    sign.textContent = SIGNS[state] ?? "";
    cancel.hidden = stopped || !model.get("cancellable");
  };

  const ask = () => {
    model.send("are you there?");
    asked = window.setTimeout(() => {
      waiting = true;
      draw();
    }, PATIENCE);
  };
  const askSoon = () => {
    if (asked !== undefined || stopped) return;
    asked = window.setTimeout(ask, Math.max(BEHIND, heard + SELDOM - performance.now()));
  };
  const answered = () => {
    window.clearTimeout(asked);
    asked = undefined;
    heard = performance.now();
    waiting = false;
    draw();
  };
  const stop = () => {
    window.clearTimeout(asked);
    stopped = true;
    el.closest(".zf-panel")?.classList.add("zf-stopped");
    draw();
  };

  model.on("msg:custom", (content) => content === "here" && answered());
  model.on("change", draw);
  const leaving = new AbortController();
  for (const gesture of ["pointerdown", "keydown", "drop"]) {
    const asks = (/** @type {Event} */ { target }) => {
      if (target instanceof Node && el.closest(".zf-panel")?.contains(target)) askSoon();
    };
    document.addEventListener(gesture, asks, { capture: true, signal: leaving.signal });
  }
  const kernel = /** @type {any} */ (model.widget_manager)?.kernel; // in JupyterLab, Notebook and Voila
  const changed = (/** @type {any} */ _, /** @type {string} */ status) => ENDS.has(status) && stop();
  kernel?.statusChanged?.connect(changed);
  kernel?.disposed?.connect(stop);

  draw();
  ask();
  return () => {
    leaving.abort();
    window.clearTimeout(asked);
    kernel?.statusChanged?.disconnect(changed);
    kernel?.disposed?.disconnect(stop);
  };
}

export default { render };
