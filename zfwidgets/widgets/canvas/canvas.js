// @ts-check
/**
 * Events for an ipycanvas. Left alone it swallows every key and every turn of the wheel, forgets a drag that leaves
 * it, takes any button for a pen, and sends a message for each move of the mouse. The listeners here capture, so they
 * come before its own; what they stop, it never hears of.
 *
 * @typedef {{ canvas: string, description: string, spoken: string }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

const KEYS = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Enter", " ", "Backspace", "Delete"]);
const PACE = 30; // milliseconds between two moves without a button, or little more: 30 a second

/**
 * Our model refers to the canvas; its view in the same box was begun before this one.
 *
 * @type {import("@anywidget/types").Render<State>}
 */
async function render({ model, el }) {
  el.classList.add("zf-canvas-spoken");
  el.setAttribute("aria-live", "polite");
  model.on("change:spoken", () => (el.textContent = model.get("spoken")));
  const canvas = await model.widget_manager.get_model(model.get("canvas").replace("IPY_MODEL_", ""));
  const { views: begun } = /** @type {{ views: Record<string, Promise<{ el: HTMLCanvasElement }>> }} */ (
    /** @type {unknown} */ (canvas)
  );
  const views = await Promise.all(Object.values(begun));
  for (const view of views) if (!view.el.dataset.zfMended) mend(view.el, model);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Model} model
 */
function mend(canvas, model) {
  canvas.dataset.zfMended = "true";
  canvas.setAttribute("role", "application");
  // Notebooks take the arrow keys for their own cells, unless the focused element itself says this.
  canvas.setAttribute("data-lm-suppress-shortcuts", "true");
  const describe = () => canvas.setAttribute("aria-label", model.get("description"));
  model.on("change:description", describe);
  describe();
  sieveKeys(canvas);
  tellFocus(canvas, model);
  keepDrags(canvas);
  pace(canvas);
  before(canvas, "wheel", stop); // the page scrolls
}

/**
 * @template {keyof HTMLElementEventMap} Type
 * @param {HTMLCanvasElement} canvas
 * @param {Type} type
 * @param {(event: HTMLElementEventMap[Type]) => void} listener
 */
function before(canvas, type, listener) {
  canvas.addEventListener(type, listener, { capture: true });
}

/** @param {Event} event */
function stop(event) {
  event.stopImmediatePropagation();
}

/**
 * Only the keys that draw reach ipycanvas; Escape and Tab lead away, and the rest is the browser's.
 *
 * @param {HTMLCanvasElement} canvas
 */
function sieveKeys(canvas) {
  before(canvas, "keydown", (event) => {
    if (draws(event)) return;
    stop(event);
    if (event.key === "Escape") canvas.blur();
  });
}

/** @param {KeyboardEvent} event */
function draws({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  if (altKey) return false;
  if (ctrlKey || metaKey) return key.toLowerCase() === "z" && !shiftKey;
  return KEYS.has(key);
}

/**
 * The keyboard's square shows as soon as Tab leads here, and goes with the focus.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Model} model
 */
function tellFocus(canvas, model) {
  canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && model.send({ focus: true }));
  canvas.addEventListener("blur", () => model.send({ focus: false }));
}

/**
 * A drag with the main button goes on outside, and ends where the button was let go, or when that is noticed.
 *
 * @param {HTMLCanvasElement} canvas
 */
function keepDrags(canvas) {
  let pressed = false;
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  for (const type of /** @type {const} */ (["mousedown", "mouseup"])) {
    before(canvas, type, (event) => {
      if (event.button !== 0) return stop(event);
      pressed = type === "mousedown";
    });
  }
  before(canvas, "mousemove", (event) => {
    if (pressed && !(event.buttons & 1)) canvas.dispatchEvent(new MouseEvent("mouseup", event));
  });
}

/**
 * Moves without a button: not too many, and the last one always comes, unless something else came after it.
 *
 * @param {HTMLCanvasElement} canvas
 */
function pace(canvas) {
  let last = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  before(canvas, "mousemove", (event) => {
    clearTimeout(timer);
    const wait = last + PACE - performance.now();
    if (event.isTrusted && !event.buttons && wait > 0) {
      stop(event);
      timer = setTimeout(() => canvas.dispatchEvent(new MouseEvent("mousemove", event)), wait);
    } else {
      last = performance.now();
    }
  });
  for (const type of /** @type {const} */ (["mousedown", "mouseout"])) before(canvas, type, () => clearTimeout(timer));
}

export default { render };
