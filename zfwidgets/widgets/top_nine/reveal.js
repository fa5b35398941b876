// @ts-check
/** Brings what was opened below the wall into view, and leads back to where the reader was. */

/** @type {import("@anywidget/types").Render} */
function render({ model, el }) {
  const back = document.createElement("button");
  Object.assign(back, { className: "jupyter-button widget-button", textContent: "↑ Back to the nine", hidden: true });
  el.append(back);
  /** @type {Element | null} */
  let former = null; // what had the focus when it was opened
  back.addEventListener("click", () => {
    if (former instanceof HTMLElement) former.focus({ preventScroll: true });
    scrollTo(former ?? el, "center");
  });
  model.on("msg:custom", () => {
    const region = el.parentElement;
    if (!region) return;
    if (!region.contains(document.activeElement)) former = document.activeElement;
    back.hidden = false;
    whenThere(region, () => {
      focusOn(region);
      scrollTo(region, "start");
    });
  });
}

/**
 * Once the panel in a region has a size: its view is made after the message has come.
 *
 * @param {Element} region
 * @param {() => void} callback
 */
function whenThere(region, callback) {
  const watch = new ResizeObserver(() => {
    if (!region.querySelector(".zf-panel .zf-explorer")) return;
    watch.disconnect();
    callback();
  });
  watch.observe(region);
}

/** @param {HTMLElement} region */
function focusOn(region) {
  region.tabIndex = -1;
  region.setAttribute("role", "region");
  region.setAttribute("aria-label", "The opened image");
  region.setAttribute("data-lm-suppress-shortcuts", "true"); // keys are not the notebook's
  region.focus({ preventScroll: true });
}

/**
 * @param {Element} element
 * @param {ScrollLogicalPosition} block
 */
function scrollTo(element, block) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block, behavior: still ? "auto" : "smooth" });
}

export default { render };
