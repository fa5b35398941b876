// @ts-check
/**
 * Images as thumbnails, of which one is chosen; a button for one's own, which may be dropped on the panel or pasted too.
 *
 * @typedef {object} State see `image_picker.py`
 * @property {string} value
 * @property {string[]} names
 * @property {string[]} shown
 * @property {DataView<ArrayBuffer>[]} pictures
 * @property {number[][]} crops
 *
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

const LARGEST = 8_000_000; // bytes of a file; Jupyter's server takes messages of 10 MB, and cuts the connection at more
const SIDE = 3000; // pixels, of a photograph that is made smaller

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  el.classList.add("zf-picker");
  const list = document.createElement("select"); // of all names, where there are too many for thumbnails
  list.className = "zf-image-list";
  list.setAttribute("aria-label", "Image");
  const rail = element("div", "zf-thumbnails");
  rail.setAttribute("role", "radiogroup");
  rail.setAttribute("aria-label", "Image");
  rail.setAttribute("data-lm-suppress-shortcuts", "true");
  const file = Object.assign(document.createElement("input"), { type: "file", accept: "image/*", multiple: true });
  file.hidden = true;
  const add = element("button", "zf-add-photo jupyter-button widget-button");
  add.textContent = "+";
  add.title = "Add a photo; or drop it anywhere on the panel, or paste it";
  add.setAttribute("aria-label", "Add a photo");
  el.append(list, rail, add, file);

  const choose = (/** @type {string | undefined} */ name) => {
    if (name === undefined || name === model.get("value")) return;
    model.set("value", name);
    model.save_changes();
  };

  const build = () => {
    const shown = model.get("shown");
    const names = model.get("names");
    list.hidden = names.length <= shown.length;
    if (!list.hidden && list.options.length !== names.length) {
      list.replaceChildren(...names.map((name) => new Option(name, name)));
    }
    const focused = rail.contains(document.activeElement);
    rail.replaceChildren(...shown.map((name, place) => thumbnail(name, place)));
    mark();
    if (focused) current()?.focus();
  };
  const thumbnail = (/** @type {string} */ name, /** @type {number} */ place) => {
    const button = element("button", "zf-thumbnail");
    button.title = name;
    button.dataset.name = name;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", name);
    button.setAttribute("data-lm-suppress-shortcuts", "true");
    const data = model.get("pictures")[place];
    if (!data?.byteLength) {
      button.textContent = name.slice(0, 6);
      return button;
    }
    const picture = document.createElement("img");
    picture.alt = "";
    picture.draggable = false;
    const url = URL.createObjectURL(new Blob([data], { type: "image/jpeg" }));
    picture.onload = picture.onerror = () => URL.revokeObjectURL(url);
    picture.src = url;
    button.append(picture);
    const [top, left, bottom, right] = model.get("crops")[place] ?? [];
    if (right !== undefined && (top || left || (bottom ?? 1) < 1 || right < 1)) {
      const crop = element("div", "zf-crop");
      const edges = [top, 1 - right, 1 - (bottom ?? 1), left];
      crop.style.inset = edges.map((edge) => `${100 * (edge ?? 0)}%`).join(" ");
      button.append(crop);
    }
    return button;
  };
  /** @returns {HTMLElement | null} */
  const current = () => rail.querySelector("[aria-checked=true]");
  const mark = () => {
    const value = model.get("value");
    list.value = value;
    const buttons = /** @type {HTMLElement[]} */ ([...rail.children]);
    buttons.forEach((button, place) => {
      const chosen = button.dataset.name === value;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen || (place === 0 && !model.get("shown").includes(value)) ? 0 : -1;
    });
    const chosen = current();
    if (chosen) reveal(rail, chosen);
  };

  rail.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest(".zf-thumbnail") : null;
    if (button instanceof HTMLElement) choose(button.dataset.name);
  });
  rail.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const shown = model.get("shown");
    choose(shown[Math.min(Math.max(shown.indexOf(model.get("value")) + by, 0), shown.length - 1)]);
    current()?.focus();
  });
  list.addEventListener("change", () => choose(list.value));
  add.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    await send(model, file.files);
    file.value = ""; // and the same file again
  });
  model.on("change:shown change:pictures change:crops change:names", build);
  model.on("change:value", mark);
  build();
  return takeFiles(el, (files) => send(model, files));
}

/**
 * Let files be dropped anywhere on the panel, or pasted while it has the keyboard.
 *
 * @param {HTMLElement} el
 * @param {(files: FileList | null | undefined) => void} take
 */
function takeFiles(el, take) {
  const leaving = new AbortController();
  const begin = () => {
    const panel = /** @type {HTMLElement | null} */ (el.closest(".zf-panel"));
    if (leaving.signal.aborted) return;
    if (!panel) return void requestAnimationFrame(begin);
    const { signal } = leaving;
    const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    const over = (/** @type {DragEvent} */ event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      panel.classList.add("zf-dropping");
    };
    panel.addEventListener("dragenter", over, { signal });
    panel.addEventListener("dragover", over, { signal });
    panel.addEventListener("dragleave", (event) => {
      if (!panel.contains(/** @type {Node | null} */ (event.relatedTarget))) panel.classList.remove("zf-dropping");
    }, { signal });
    panel.addEventListener("drop", (event) => {
      panel.classList.remove("zf-dropping");
      if (!holdsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      take(event.dataTransfer?.files);
    }, { signal });
    panel.addEventListener("paste", (event) => {
      if (event.clipboardData?.files.length) take(event.clipboardData.files);
    }, { signal });
  };
  begin();
  return () => leaving.abort();
}

/**
 * @param {Model} model
 * @param {FileList | null | undefined} files
 */
async function send(model, files) {
  for (const file of files ?? []) {
    const content = file.size <= LARGEST ? file : await smaller(file);
    if (content) model.send({ name: file.name }, undefined, [await content.arrayBuffer()]);
    else model.send({ name: file.name, refused: "it is larger than 8 MB, and the browser cannot read it to make it smaller" });
  }
}

/**
 * A photograph too large to be sent, with fewer pixels; null where the browser cannot read it.
 *
 * @param {File} file
 * @returns {Promise<Blob | null>}
 */
async function smaller(file) {
  try {
    const whole = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(whole.width, whole.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * scale)));
    canvas.getContext("2d")?.drawImage(whole, 0, 0, canvas.width, canvas.height);
    whole.close();
    return await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  } catch {
    return null;
  }
}

/**
 * Scroll within the rail only: the page stays where it is.
 *
 * @param {HTMLElement} rail
 * @param {HTMLElement} button
 */
function reveal(rail, button) {
  const inside = rail.getBoundingClientRect();
  const place = button.getBoundingClientRect();
  if (place.left < inside.left) rail.scrollLeft -= inside.left - place.left;
  if (place.right > inside.right) rail.scrollLeft += place.right - inside.right;
  if (place.top < inside.top) rail.scrollTop -= inside.top - place.top;
  if (place.bottom > inside.bottom) rail.scrollTop += place.bottom - inside.bottom;
}

/**
 * @param {string} tag
 * @param {string} name
 */
function element(tag, name) {
  const made = document.createElement(tag);
  made.className = name;
  return made;
}

export default { render };
