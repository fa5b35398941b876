// @ts-check
/**
 * Feature maps in rows, or in columns, and lines between them as wide as their shares.
 *
 * @typedef {object} Node see `diagram.py`
 * @property {string} name
 * @property {string} words
 * @property {boolean} stable
 * @property {boolean | null} out
 * @property {boolean} large
 *
 * @typedef {{ title: string, note: string, shown: number, nodes: Node[] }} Group
 * @typedef {{ group: number, first: number, second: number, share: number, stable: boolean }} Link
 * @typedef {[group: number, node: number, count: number] | []} Told
 *
 * @typedef {object} State
 * @property {"down" | "right"} flow
 * @property {Group[]} groups
 * @property {Link[]} links
 * @property {DataView<ArrayBuffer>[]} tiles
 * @property {Told} chosen
 * @property {Told} taken
 *
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

const SVG = "http://www.w3.org/2000/svg";
const WIDEST = 14; // CSS pixels of a line

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  el.classList.add("zf-links");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Feature maps and what they are made of; arrow keys, Enter to go there, X to take out");
  const lines = document.createElementNS(SVG, "svg");
  lines.classList.add("zf-links-lines");
  lines.setAttribute("aria-hidden", "true");
  const rows = element("div", "zf-links-groups");
  el.append(lines, rows);

  const draw = () => drawLines(model, el, lines, places(rows));
  const build = () => {
    const before = place(rows, document.activeElement);
    el.classList.toggle("zf-links-right", model.get("flow") === "right");
    let tile = 0;
    const tiles = model.get("tiles");
    rows.replaceChildren(...model.get("groups").map((group) => groupOf(group, () => tiles[tile++])));
    const all = places(rows);
    const focused = before && (all[before[0]]?.[before[1]] ?? all.flat().find((node) => node.dataset.large) ?? all.flat()[0]);
    (focused ?? all.flat().find((node) => node.dataset.large) ?? all.flat()[0])?.setAttribute("tabindex", "0");
    if (focused) focused.focus();
    draw();
  };
  const tell = (/** @type {"chosen" | "taken"} */ name, /** @type {[number, number] | null} */ where) => {
    if (!where) return;
    model.set(name, [...where, (model.get(name)[2] ?? 0) + 1]);
    model.save_changes();
  };

  rows.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const out = target?.closest(".zf-link-out");
    const node = target?.closest(".zf-link-node") ?? null;
    tell(out ? "taken" : "chosen", place(rows, node?.querySelector(".zf-link-map") ?? null));
  });
  rows.addEventListener("keydown", (event) => {
    const at = place(rows, document.activeElement);
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = moved(places(rows), at, event.key, model.get("flow") === "right");
    const takes = event.key.toLowerCase() === "x" && model.get("groups")[at[0]]?.nodes[at[1]]?.out !== null;
    if (!next && !takes) return;
    event.preventDefault();
    event.stopPropagation();
    if (takes) tell("taken", at);
    if (next) focusOn(rows, next);
  });
  rows.addEventListener("focusin", (event) => {
    if (place(rows, event.target instanceof Element ? event.target : null)) mark(rows, event.target);
  });
  for (const [name, on] of /** @type {const} */ ([["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])) {
    rows.addEventListener(name, (event) => {
      const node = event.target instanceof Element ? event.target.closest(".zf-link-node") : null;
      const where = place(rows, node?.querySelector(".zf-link-map") ?? null);
      for (const line of lines.children) {
        const [group, first, second] = (/** @type {SVGElement} */ (line).dataset.ends ?? "").split(" ").map(Number);
        const touches = where && ((where[0] === group && where[1] === first) || (where[0] === group + 1 && where[1] === second));
        line.classList.toggle("zf-link-lit", Boolean(on && touches));
      }
    });
  }
  model.on("change:groups change:links change:tiles change:flow", coalesced(build));
  const watched = new ResizeObserver(draw);
  watched.observe(el);
  build();
  return () => watched.disconnect();
}

/**
 * @param {Group} group
 * @param {() => DataView<ArrayBuffer> | undefined} next tile
 */
function groupOf(group, next) {
  const made = element("div", "zf-links-group");
  const head = element("div", "zf-links-head");
  const title = element("span", "zf-links-title");
  title.textContent = group.title;
  const note = element("span", "zf-links-note");
  note.textContent = group.note;
  head.append(title, note);
  if (group.note) {
    const bar = element("span", "zf-links-rest");
    bar.style.setProperty("--zf-share", `${100 * group.shown}%`);
    head.append(bar);
  }
  const nodes = element("div", "zf-links-nodes");
  nodes.append(...group.nodes.map((node) => nodeOf(node, next())));
  made.append(head, nodes);
  return made;
}

/**
 * @param {Node} node
 * @param {DataView<ArrayBuffer> | undefined} pixels
 */
function nodeOf(node, pixels) {
  const made = element("div", "zf-link-node");
  made.classList.toggle("zf-link-large", node.large);
  made.classList.toggle("zf-link-unstable", !node.stable);
  made.classList.toggle("zf-link-gone", node.out === true);
  const map = element("button", "zf-link-map");
  if (node.large) map.dataset.large = "true";
  map.tabIndex = -1;
  map.title = node.words;
  map.setAttribute("aria-label", node.words);
  map.setAttribute("data-lm-suppress-shortcuts", "true");
  const tile = element("div", "zf-link-tile");
  if (pixels?.byteLength) tile.style.backgroundImage = `url(${painted(pixels)})`;
  const name = element("div", "zf-link-name");
  name.textContent = node.name;
  map.append(tile, name);
  made.append(map);
  if (node.out !== null) {
    const out = element("button", "zf-link-out");
    out.tabIndex = -1; // the key X does the same
    out.textContent = node.out ? "↺" : "✕";
    out.title = node.out ? "Put this map back" : "Take this map out of the network";
    out.setAttribute("aria-pressed", String(node.out));
    out.setAttribute("aria-label", `${out.title}: ${node.name}`);
    made.append(out);
  }
  return made;
}

/** The maps, group by group. @param {Element} rows */
function places(rows) {
  return [...rows.children].map((group) => /** @type {HTMLElement[]} */ ([...group.querySelectorAll(".zf-link-map")]));
}

/**
 * Where a map stands: (group, node).
 *
 * @param {Element} rows
 * @param {Element | null} map
 * @returns {[number, number] | null}
 */
function place(rows, map) {
  if (!map) return null;
  for (const [group, maps] of places(rows).entries()) {
    const node = maps.findIndex((each) => each === map);
    if (node >= 0) return [group, node];
  }
  return null;
}

/**
 * Where an arrow key leads: along a group, or to the nearest map of the next one.
 *
 * @param {HTMLElement[][]} all
 * @param {[number, number]} at
 * @param {string} key
 * @param {boolean} right the groups are columns
 * @returns {[number, number] | null}
 */
function moved(all, [group, node], key, right) {
  const keys = right ? ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] : ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
  const way = keys.indexOf(key);
  if (way < 0) return null;
  if (way < 2) return [group, Math.min(Math.max(node + (way ? 1 : -1), 0), (all[group]?.length ?? 1) - 1)];
  const other = group + (way === 2 ? -1 : 1);
  if (!all[other]?.length) return [group, node];
  const middle = (/** @type {HTMLElement | undefined} */ map) => {
    const box = map?.getBoundingClientRect() ?? new DOMRect();
    return right ? box.top + box.height / 2 : box.left + box.width / 2;
  };
  const from = middle(all[group]?.[node]);
  const far = all[other].map((map) => Math.abs(middle(map) - from));
  return [other, far.indexOf(Math.min(...far))];
}

/**
 * @param {Element} rows
 * @param {[number, number]} at
 */
function focusOn(rows, [group, node]) {
  const map = places(rows)[group]?.[node];
  mark(rows, map ?? null);
  map?.focus();
}

/**
 * Of all maps, one can be reached by Tab.
 *
 * @param {Element} rows
 * @param {EventTarget | null} map
 */
function mark(rows, map) {
  for (const each of places(rows).flat()) each.tabIndex = each === map ? 0 : -1;
}

/**
 * @param {Model} model
 * @param {HTMLElement} el
 * @param {SVGElement} lines
 * @param {HTMLElement[][]} all
 */
function drawLines(model, el, lines, all) {
  const frame = el.getBoundingClientRect();
  const right = model.get("flow") === "right";
  const links = model.get("links");
  const largest = Math.max(...links.map((link) => link.share), 1e-9);
  lines.replaceChildren(
    ...links.flatMap(({ group, first, second, share, stable }) => {
      const [one, other] = [all[group]?.[first], all[group + 1]?.[second]].map((map) => map?.getBoundingClientRect());
      if (!one?.width || !other?.width) return [];
      const [x1, y1, x2, y2] = right
        ? [one.right, one.top + one.height / 2, other.left, other.top + other.height / 2]
        : [one.left + one.width / 2, one.bottom, other.left + other.width / 2, other.top];
      const [a, b, c, d] = [x1 - frame.left, y1 - frame.top, x2 - frame.left, y2 - frame.top];
      const path = right
        ? `M${a} ${b}C${(a + c) / 2} ${b} ${(a + c) / 2} ${d} ${c} ${d}`
        : `M${a} ${b}C${a} ${(b + d) / 2} ${c} ${(b + d) / 2} ${c} ${d}`;
      const line = document.createElementNS(SVG, "path");
      line.setAttribute("d", path);
      line.setAttribute("stroke-width", String(1 + (WIDEST - 1) * (share / largest)));
      line.classList.toggle("zf-link-unstable", !stable);
      line.dataset.ends = `${group} ${first} ${second}`;
      const gone = (/** @type {number} */ g, /** @type {number} */ n) => model.get("groups")[g]?.nodes[n]?.out === true;
      line.classList.toggle("zf-link-gone", gone(group, first) || gone(group + 1, second));
      return [line];
    }),
  );
}

/**
 * Many changes come in one message: `work` runs once for all of them.
 *
 * @param {() => void} work
 */
function coalesced(work) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      work();
    });
  };
}

/**
 * A tile as an image: a canvas on the page would be a layer of its own.
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
