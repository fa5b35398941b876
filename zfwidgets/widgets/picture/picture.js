// @ts-check
/**
 * One raster picture: bytes from the kernel into a canvas, outlines above it,
 * and the place that the pointer or the keyboard chose back to the kernel.
 *
 * @typedef {[row: number, column: number]} Place of a cell or a pixel; or how many rows and columns there are
 * @typedef {[top: number, left: number, bottom: number, right: number]} Box
 *
 * @typedef {object} Packed see `packing.py`
 * @property {"raw" | "webp"} transport
 * @property {DataView<ArrayBuffer>} data
 * @property {Box} [box] where the data belongs; without it, everywhere
 * @property {number[]} [around] the colour around that
 *
 * @typedef {object} State see `picture.py`
 * @property {Packed | undefined} pixels
 * @property {number} width
 * @property {number} height
 * @property {number} shown_width
 * @property {boolean} smooth
 * @property {string} caption
 * @property {string} hint
 * @property {string[]} scale
 * @property {string} description
 * @property {Box[]} boxes
 * @property {Place} cells
 * @property {Place | null} cell
 * @property {Place | null} hover
 * @property {boolean} hoverable
 * @property {boolean} draggable
 * @property {[top: number, left: number, bottom: number, right: number, count: number] | null} dragged
 * @property {[row: number, column: number, count: number] | null} clicked
 *
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 *
 * @typedef {object} Painting
 * @property {Place} size of the picture
 * @property {number[]} [around] the colour around the image
 * @property {number} top of the image in the picture
 * @property {number} left
 * @property {ImageData | ImageBitmap} image
 *
 * @typedef {object} View
 * @property {Model} model
 * @property {ReturnType<typeof build>} parts
 * @property {Place | null} size of what is painted
 * @property {Place | null} hovered
 * @property {Box | null} drawn the rectangle that is being drawn
 */

const SMALLEST = 5; // CSS pixels, of a rectangle that is drawn; less is a click

/** @type {Record<string, (cell: Place) => Place>} */
const MOVES = {
  ArrowUp: ([row, column]) => [row - 1, column],
  ArrowDown: ([row, column]) => [row + 1, column],
  ArrowLeft: ([row, column]) => [row, column - 1],
  ArrowRight: ([row, column]) => [row, column + 1],
  Home: ([row]) => [row, 0],
  End: ([row]) => [row, Infinity],
};

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  const parts = build(el);
  /** @type {View} */
  const view = { model, parts, size: null, hovered: null, drawn: null };
  const redraw = coalesce(() => draw(view), queueMicrotask);
  const repaint = coalesce(painter(view, redraw), queueMicrotask);
  listen(model, ["pixels", "width", "height"], repaint);
  listen(model, ["width", "height", "shown_width", "smooth", "caption", "hint", "scale"], redraw);
  listen(model, ["description", "boxes", "cells", "cell"], redraw);
  followPointer(view, redraw);
  followKeyboard(view, redraw);
  draw(view);
  repaint();
}

/** @param {HTMLElement} el */
function build(el) {
  const parts = {
    root: el,
    frame: element("div", "zf-picture-frame"),
    canvas: element("canvas", "zf-picture-canvas"),
    marks: element("div", "zf-picture-marks"),
    scale: element("div", "zf-scale"),
    caption: element("div", "zf-picture-caption"),
    spoken: element("div", "zf-picture-spoken"),
  };
  parts.spoken.setAttribute("aria-live", "polite");
  parts.frame.append(parts.canvas, parts.marks);
  el.classList.add("zf-picture");
  el.append(parts.frame, parts.scale, parts.caption, parts.spoken);
  return parts;
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name
 */
function element(tag, name) {
  return Object.assign(document.createElement(tag), { className: name });
}

/**
 * @param {Model} model
 * @param {(keyof State)[]} names
 * @param {() => void} callback
 */
function listen(model, names, callback) {
  for (const name of names) model.on(`change:${name}`, callback);
}

/**
 * Many changes come in one message, many moves in one frame: `work` runs once for all of them.
 *
 * @param {() => void} work
 * @param {(run: () => void) => void} schedule
 */
function coalesce(work, schedule) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    schedule(() => {
      waiting = false;
      work();
    });
  };
}

/**
 * The old picture stays until the new one is decoded; a slow decoding never covers a newer picture.
 *
 * @param {View} view
 * @param {() => void} redraw
 */
function painter(view, redraw) {
  let newest = 0;
  let painted = 0;
  return async () => {
    const turn = ++newest;
    const painting = await decode(view.model);
    if (!painting || turn !== newest) return;
    const { canvas } = view.parts;
    paint(canvas, painting);
    canvas.dataset.painted = `${++painted}`;
    view.size = [canvas.height, canvas.width];
    redraw();
  };
}

/**
 * What is to be painted, and where; null where bytes and size do not belong together: then the rest of a message is
 * still to come.
 *
 * @param {Model} model
 * @returns {Promise<Painting | null>}
 */
async function decode(model) {
  const { transport, data, box, around } = model.get("pixels") ?? {};
  const size = /** @type {Place} */ ([model.get("height"), model.get("width")]);
  const [top, left, bottom, right] = box ?? [0, 0, ...size];
  const [height, width] = [bottom - top, right - left];
  if (!data?.byteLength || bottom > size[0] || right > size[1]) return null;
  if (transport === "webp") return { size, around, top, left, image: await unpack(data) };
  if (data.byteLength !== width * height * 4) return null;
  const bytes = new Uint8ClampedArray(data.buffer, data.byteOffset, data.byteLength);
  return { size, around, top, left, image: new ImageData(bytes, width, height) };
}

/** @param {DataView<ArrayBuffer>} data */
function unpack(data) {
  /** @type {ImageBitmapOptions} */
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  return createImageBitmap(new Blob([data], { type: "image/webp" }), exact);
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Painting} painting
 */
function paint(canvas, { size: [height, width], around, top, left, image }) {
  // Setting a canvas's size wipes it, so only where it changes.
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) return;
  if (around) context.putImageData(plain(width, height, around), 0, 0);
  if (image instanceof ImageData) return context.putImageData(image, left, top);
  context.clearRect(left, top, image.width, image.height); // a see-through pixel replaces the old one too
  context.drawImage(image, left, top);
  image.close();
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number[]} colour RGBA
 */
function plain(width, height, colour) {
  const pixels = new Uint32Array(width * height).fill(new Uint32Array(new Uint8Array(colour).buffer)[0] ?? 0);
  return new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
}

/**
 * Everything but the pixels: cheap, so all of it is set whatever changed.
 *
 * @param {View} view
 */
function draw(view) {
  const { model, parts } = view;
  const [height, width] = sizeOf(view);
  parts.root.style.setProperty("--zf-shown-width", `${model.get("shown_width")}px`);
  parts.frame.style.aspectRatio = `${width} / ${height}`;
  parts.canvas.classList.toggle("zf-smooth", model.get("smooth"));
  parts.caption.textContent = model.get("caption");
  parts.caption.title = model.get("hint");
  drawScale(view);
  drawMarks(view);
  describe(view);
}

/**
 * A bar of the colours between what its ends are called.
 *
 * @param {View} view
 */
function drawScale({ model, parts }) {
  const [kind, low, high] = model.get("scale");
  parts.scale.hidden = !kind;
  if (!kind) return;
  const bar = element("div", "zf-scale-bar");
  bar.dataset.kind = kind;
  parts.scale.replaceChildren(low ?? "", bar, high ?? "");
}

/** @param {View} view */
function drawMarks(view) {
  const { model, parts, hovered, drawn } = view;
  const boxes = model.get("boxes").map((box) => outline("zf-picture-box", box, sizeOf(view)));
  const hover = outlineCell("zf-picture-hovered", hovered, model.get("cells"));
  const chosen = outlineCell("zf-picture-cell", model.get("cell"), model.get("cells"));
  const rectangle = drawn ? [outline("zf-picture-box", drawn, sizeOf(view))] : [];
  parts.marks.replaceChildren(...boxes, ...hover, ...chosen, ...rectangle);
}

/**
 * The outline of a cell; none where there is no such cell.
 *
 * @param {string} name
 * @param {Place | null} cell
 * @param {Place} cells
 */
function outlineCell(name, cell, cells) {
  if (!cell || cell[0] >= cells[0] || cell[1] >= cells[1]) return [];
  const [row, column] = cell;
  return [outline(name, [row, column, row + 1, column + 1], cells)];
}

/**
 * Placed in per cent, so that it stays sharp and in place at any size of the picture.
 *
 * @param {string} name
 * @param {Box} box
 * @param {Place} size
 */
function outline(name, [top, left, bottom, right], [height, width]) {
  const mark = element("div", name);
  const edges = [top / height, 1 - right / width, 1 - bottom / height, left / width];
  mark.style.inset = edges.map((edge) => `${100 * clamp(edge, 0, 1)}%`).join(" ");
  return mark;
}

/** @param {View} view */
function describe({ model, parts }) {
  const { frame, spoken } = parts;
  const isGrid = hasCells(model);
  frame.setAttribute("role", isGrid ? "application" : "img");
  frame.setAttribute("aria-label", model.get("description") || model.get("caption") || "picture");
  frame.classList.toggle("zf-choosable", isGrid);
  if (isGrid) {
    frame.tabIndex = 0;
    // Notebooks take the arrow keys for their own cells, unless the focused element itself says this.
    frame.setAttribute("data-lm-suppress-shortcuts", "true");
  } else {
    frame.removeAttribute("tabindex");
    frame.removeAttribute("data-lm-suppress-shortcuts");
  }
  const cell = model.get("cell");
  // Linked pictures move together: only the one in use speaks.
  if (isGrid && cell && document.activeElement === frame) spoken.textContent = `row ${cell[0]}, column ${cell[1]}`;
}

/**
 * @param {View} view
 * @param {() => void} redraw
 */
function followPointer(view, redraw) {
  const { model, parts } = view;
  /** @type {PointerEvent | null} */
  let pointer = null;
  const hover = coalesce(() => {
    const place = pointer && placeAt(pointer, parts.canvas, hasCells(model) ? model.get("cells") : sizeOf(view));
    if (`${place}` === `${view.hovered}`) return;
    view.hovered = place;
    redraw();
    if (model.get("hoverable")) send(model, { hover: place });
  }, requestAnimationFrame);
  /** @param {PointerEvent | null} event */
  const point = (event) => {
    pointer = event;
    hover();
  };
  parts.frame.addEventListener("pointermove", point);
  parts.frame.addEventListener("pointerleave", () => point(null));
  const drew = followDrag(view, redraw);
  parts.frame.addEventListener("click", (event) => drew() || click(view, event));
}

/**
 * Let a rectangle be drawn. Returns whether one has just been, so that the click at its end is none.
 *
 * @param {View} view
 * @param {() => void} redraw
 */
function followDrag(view, redraw) {
  const { model, parts } = view;
  /** @type {PointerEvent | null} */
  let from = null;
  let drew = false;
  parts.frame.addEventListener("pointerdown", (event) => {
    drew = false;
    from = model.get("draggable") && event.button === 0 ? event : null;
  });
  parts.frame.addEventListener("pointermove", (event) => {
    if (!from) return;
    if (!drew && Math.hypot(event.clientX - from.clientX, event.clientY - from.clientY) < SMALLEST) return;
    if (!drew) parts.frame.setPointerCapture(event.pointerId);
    drew = true;
    const [first, last] = [from, event].map((each) => placeAt(each, parts.canvas, sizeOf(view)));
    if (!first || !last) return;
    const [top, bottom] = [Math.min(first[0], last[0]), Math.max(first[0], last[0])];
    const [left, right] = [Math.min(first[1], last[1]), Math.max(first[1], last[1])];
    view.drawn = [top, left, bottom + 1, right + 1];
    redraw();
  });
  const end = (/** @type {boolean} */ whole) => {
    if (whole && from && view.drawn) send(model, { dragged: [...view.drawn, (model.get("dragged")?.[4] ?? 0) + 1] });
    from = view.drawn = null;
    redraw();
  };
  parts.frame.addEventListener("pointerup", () => end(true));
  parts.frame.addEventListener("pointercancel", () => end(false));
  return () => {
    const just = drew;
    drew = false;
    return just;
  };
}

/**
 * @param {View} view
 * @param {MouseEvent} event
 */
function click(view, event) {
  const { model, parts } = view;
  const count = (model.get("clicked")?.[2] ?? 0) + 1;
  const [row, column] = placeAt(event, parts.canvas, sizeOf(view));
  /** @type {Partial<State>} */
  const chosen = { clicked: [row, column, count] };
  if (hasCells(model)) chosen.cell = placeAt(event, parts.canvas, model.get("cells"));
  send(model, chosen);
}

/**
 * @param {View} view
 * @param {() => void} redraw
 */
function followKeyboard(view, redraw) {
  const { model, parts } = view;
  parts.frame.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!hasCells(model) || event.ctrlKey || event.altKey || event.metaKey) return;
    const cell = model.get("cell");
    if (event.key === "Enter" && !event.shiftKey && cell) return clickCell(event, view, cell);
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    view.hovered = null; // the pointer only lies there: one outline moves
    redraw();
    send(model, { cell: moved(move, cell, model.get("cells")) });
  });
}

/**
 * Enter is a click in the middle of the chosen cell.
 *
 * @param {KeyboardEvent} event
 * @param {View} view
 * @param {Place} cell
 */
function clickCell(event, view, [row, column]) {
  const { model } = view;
  event.preventDefault();
  event.stopPropagation();
  const [height, width] = sizeOf(view);
  const [rows, columns] = model.get("cells");
  const [y, x] = [Math.floor(((row + 0.5) * height) / rows), Math.floor(((column + 0.5) * width) / columns)];
  send(model, { clicked: [y, x, (model.get("clicked")?.[2] ?? 0) + 1] });
}

/**
 * The first key chooses the middle cell; the following ones move from there, and stop at the border.
 *
 * @param {(cell: Place) => Place} move
 * @param {Place | null} cell
 * @param {Place} cells
 * @returns {Place}
 */
function moved(move, cell, [rows, columns]) {
  const [row, column] = cell ? move(cell) : [Math.floor(rows / 2), Math.floor(columns / 2)];
  return [clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)];
}

/**
 * The (row, column) under the pointer, of a picture cut evenly into `rows` × `columns`.
 *
 * @param {MouseEvent} event
 * @param {HTMLCanvasElement} canvas
 * @param {Place} cells
 * @returns {Place}
 */
function placeAt({ clientX, clientY }, canvas, [rows, columns]) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const row = Math.floor(((clientY - top) / height) * rows);
  const column = Math.floor(((clientX - left) / width) * columns);
  return [clamp(row, 0, rows - 1), clamp(column, 0, columns - 1)];
}

/**
 * @param {Model} model
 * @param {Partial<State>} values
 */
function send(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(/** @type {keyof State} */ (name), value);
  model.save_changes();
}

/**
 * The size of what is on the canvas; before the first picture, of its place.
 *
 * @param {View} view
 * @returns {Place}
 */
function sizeOf({ model, size }) {
  return size ?? [model.get("height"), model.get("width")];
}

/** @param {Model} model */
function hasCells(model) {
  return model.get("cells")[0] > 0;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export default { render };
