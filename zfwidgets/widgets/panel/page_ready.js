// @ts-check
/** Rings when a page shows a panel, and mends its sliders. */

/** @type {import("@anywidget/types").Render} */
function render({ model, el }) {
  el.style.display = "none";
  if (!document.documentElement.dataset.zfSliders) {
    document.documentElement.dataset.zfSliders = "mended";
    document.addEventListener("focusin", ({ target }) => {
      if (target instanceof Element && target.matches(".zf-panel .noUi-handle")) mend(target);
    });
  }
  model.send("here");
}

/**
 * Notebook 7 takes the arrow keys for its own cells, unless the focused element itself says this; and it has a name.
 *
 * @param {Element} handle
 */
function mend(handle) {
  handle.setAttribute("data-lm-suppress-shortcuts", "true");
  const label = handle.closest(".zf-control, .zf-value")?.querySelector(".zf-label");
  if (label?.textContent && !handle.hasAttribute("aria-label")) handle.setAttribute("aria-label", label.textContent.trim());
}

export default { render };
