// @ts-check
/** Rings when a page shows a panel, and gives its controls names and words for those who hear the page. */

const REST = 150; // milliseconds after a change, when what it brought about is painted

/** @type {import("@anywidget/types").Render} */
function render({ model, el }) {
  el.style.display = "none";
  const still = `[data-zf-still="${model.get("still")}"]`;
  const hides = document.createElement("style");
  hides.textContent = `${still}, .jp-OutputArea-child:has(${still}) { display: none !important; }`;
  el.append(hides);
  /** @type {number | undefined} */
  let asked;
  const soon = () => {
    asked ??= window.setTimeout(() => {
      asked = undefined;
      const panel = el.closest(".zf-panel");
      if (panel) describe(panel);
    }, REST);
  };
  const watch = new MutationObserver(soon);
  const begin = () => {
    const panel = el.closest(".zf-panel");
    if (!panel) return requestAnimationFrame(begin);
    const attributeFilter = ["aria-valuetext", "class"];
    watch.observe(panel, { childList: true, characterData: true, subtree: true, attributeFilter });
    soon();
  };
  begin();
  model.send("here");
  const leave = explain(el);
  return () => {
    leave();
    watch.disconnect();
    window.clearTimeout(asked);
  };
}

/**
 * What a control is for, shown while it has the keyboard, as it is where the pointer rests; Escape puts it away.
 *
 * @param {HTMLElement} el
 */
function explain(el) {
  const tip = document.createElement("div");
  tip.className = "zf-tip";
  tip.setAttribute("aria-hidden", "true"); // it is in the control's description, too
  const leaving = new AbortController();
  const show = (/** @type {FocusEvent} */ { target }) => {
    tip.remove();
    const panel = target instanceof Element ? target.closest(".zf-panel") : null;
    if (!(target instanceof Element) || !panel?.contains(el) || el.closest(".zf-panel") !== panel) return;
    const control = target.closest(".zf-control");
    const words = control?.querySelector(".zf-label abbr")?.getAttribute("title");
    if (!control || !words || !target.matches(":focus-visible")) return;
    const [inside, outside] = [control.getBoundingClientRect(), panel.getBoundingClientRect()];
    tip.textContent = words;
    tip.style.left = `${Math.max(0, Math.min(inside.left - outside.left, outside.width - 340))}px`;
    tip.style.top = `${inside.bottom - outside.top + 4}px`;
    panel.append(tip);
  };
  document.addEventListener("focusin", show, { signal: leaving.signal });
  document.addEventListener("focusout", () => tip.remove(), { signal: leaving.signal });
  document.addEventListener("keydown", ({ key }) => key === "Escape" && tip.remove(), { signal: leaving.signal });
  return () => {
    leaving.abort();
    tip.remove();
  };
}

/**
 * ipywidgets names nothing that has its label elsewhere, speaks a slider's place, and shows what is pressed by colour.
 *
 * @param {Element} panel
 */
function describe(panel) {
  for (const field of panel.querySelectorAll("select, textarea, input, .noUi-handle")) {
    const label = field.closest(".zf-control")?.querySelector(".zf-label")?.textContent?.trim();
    const explained = field.closest(".zf-value")?.querySelector(".zf-label span[title]") ?? field;
    const own = explained.getAttribute("title")?.split(";")[0] ?? (field.matches("[type=number]") ? "number" : "");
    const explanation = field.closest(".zf-control")?.querySelector(".zf-label abbr")?.getAttribute("title");
    if (explanation) tell(field, "aria-description", explanation);
    tell(field, "aria-label", [...new Set([label, own])].filter(Boolean).join(", "));
  }
  for (const handle of panel.querySelectorAll(".noUi-handle")) {
    tell(handle, "data-lm-suppress-shortcuts", "true"); // or Notebook 7 takes the arrow keys for its own cells
    const readout = handle.closest(".widget-slider")?.querySelector(".widget-readout")?.textContent;
    const beside = handle.closest(".zf-value")?.querySelector(".zf-label")?.textContent;
    const number = handle.closest(".zf-control-row")?.querySelector("input")?.value;
    tell(handle, "aria-valuetext", (beside || number || readout)?.trim());
  }
  for (const button of panel.querySelectorAll(".widget-toggle-button, .widget-toggle-buttons button")) {
    tell(button, "aria-pressed", String(button.classList.contains("mod-active")));
  }
}

/**
 * @param {Element} element
 * @param {string} attribute
 * @param {string | undefined} words
 */
function tell(element, attribute, words) {
  if (words && element.getAttribute(attribute) !== words) element.setAttribute(attribute, words);
}

export default { render };
