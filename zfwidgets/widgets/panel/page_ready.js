// @ts-check
/**
 * Rings when a page shows a panel, keeps its still picture up to date, and gives its controls names and words for those
 * who hear the page.
 *
 * @typedef {object} Output of a cell
 * @property {Record<string, unknown>} data by MIME type
 * @property {() => object} toJSON
 *
 * @typedef {object} Outputs
 * @property {number} length
 * @property {(place: number) => Output} get
 * @property {(place: number, output: object) => void} set
 */

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
  const [leave, rest] = [explain(el), renewStill(model)];
  return () => {
    leave();
    rest();
    watch.disconnect();
    window.clearTimeout(asked);
  };
}

/**
 * Put a new still picture into the outputs that hold the old one. JupyterLab and Notebook do so themselves, until the
 * page is reloaded: then they hear of the new one, and no longer know which output has its `display_id`.
 *
 * @param {import("@anywidget/types").AnyModel} model
 */
function renewStill(model) {
  const { kernel, context } = /** @type {any} */ (model.widget_manager) ?? {}; // of the notebook, where that is open
  const key = model.get("still");
  const heard = (/** @type {any} */ _, /** @type {any} */ { header, content }) => {
    if (header.msg_type !== "update_display_data" || content.transient?.display_id !== `zf-${key}`) return;
    for (const cell of context?.model?.cells ?? []) replaceStill(cell.outputs, `data-zf-still='${key}'`, content.data);
  };
  kernel?.iopubMessage?.connect(heard);
  return () => kernel?.iopubMessage?.disconnect(heard);
}

/**
 * @param {Outputs | undefined} outputs of a cell of code
 * @param {string} mark in the HTML of the output that is meant
 * @param {Record<string, unknown>} data to be put there; where it is there already, nothing is touched
 */
function replaceStill(outputs, mark, data) {
  for (let place = 0; place < (outputs?.length ?? 0); place++) {
    const html = outputs?.get(place).data["text/html"];
    const other = typeof html === "string" && html.includes(mark) && html !== data["text/html"];
    if (other) outputs?.set(place, { ...outputs.get(place).toJSON(), data });
  }
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
