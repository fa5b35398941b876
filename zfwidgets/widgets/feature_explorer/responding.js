// @ts-check
/**
 * A row of feature maps to choose from: best example, number, and a bar.
 *
 * @typedef {object} State see `responding.py`
 * @property {string} title
 * @property {{ number: number, name: string, words: string, share: number }[]} maps
 * @property {DataView<ArrayBuffer>[]} tiles
 * @property {number} feature
 * @property {[number, number] | []} chosen
 */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  el.classList.add("zf-responding");
  const title = element("div", "zf-quarter-title");
  const row = element("div", "zf-responding-row");
  row.setAttribute("role", "radiogroup");
  el.append(title, row);

  const choose = (/** @type {number | undefined} */ number) => {
    if (number === undefined) return;
    model.set("chosen", [number, (model.get("chosen")[1] ?? 0) + 1]);
    model.save_changes();
  };
  const build = () => {
    const focused = row.contains(document.activeElement);
    title.textContent = model.get("title");
    row.setAttribute("aria-label", model.get("title"));
    row.replaceChildren(...model.get("maps").map((map, place) => button(map, model.get("tiles")[place])));
    if (!model.get("maps").length) row.textContent = "Every feature map of this layer is silent here.";
    mark();
    if (focused) /** @type {HTMLElement | null} */ (row.querySelector("[tabindex='0']"))?.focus();
  };
  const mark = () => {
    const buttons = /** @type {HTMLElement[]} */ ([...row.children]);
    const place = buttons.findIndex((each) => each.dataset.number === String(model.get("feature")));
    buttons.forEach((each, number) => {
      each.setAttribute("aria-checked", String(number === place));
      each.tabIndex = number === Math.max(place, 0) ? 0 : -1;
    });
  };

  row.addEventListener("click", (event) => {
    const chosen = event.target instanceof Element ? event.target.closest("button") : null;
    if (chosen) choose(Number(chosen.dataset.number));
  });
  row.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = /** @type {HTMLElement[]} */ ([...row.children]);
    const from = buttons.findIndex((each) => each === document.activeElement);
    const next = buttons[Math.min(Math.max(from + by, 0), buttons.length - 1)];
    next?.focus();
    choose(Number(next?.dataset.number));
  });
  model.on("change:title change:maps change:tiles", build);
  model.on("change:feature", mark);
  build();
}

/**
 * @param {{ number: number, name: string, words: string, share: number }} map
 * @param {DataView<ArrayBuffer> | undefined} pixels
 */
function button({ number, name, words, share }, pixels) {
  const made = element("button", "zf-response");
  made.dataset.number = String(number);
  made.title = words;
  made.setAttribute("role", "radio");
  made.setAttribute("aria-label", words);
  made.setAttribute("data-lm-suppress-shortcuts", "true");
  const tile = element("div", "zf-response-tile");
  if (pixels?.byteLength) tile.style.backgroundImage = `url(${painted(pixels)})`;
  const bar = element("div", "zf-response-bar");
  bar.style.setProperty("--zf-share", `${100 * share}%`);
  const label = element("div", "zf-response-name");
  label.textContent = name;
  made.append(tile, bar, label);
  return made;
}

/**
 * A tile as an image: a canvas on the page would be a layer of its own, and eight of them slow down each frame.
 *
 * @param {DataView<ArrayBuffer>} pixels
 */
function painted(pixels) {
  const canvas = document.createElement("canvas");
  const side = Math.sqrt(pixels.byteLength / 4);
  [canvas.width, canvas.height] = [side, side];
  const data = new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  canvas.getContext("2d")?.putImageData(new ImageData(data, side, side), 0, 0);
  return canvas.toDataURL();
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
