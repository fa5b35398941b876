// @ts-check
/**
 * A network as a strip: a cell a layer, as high as its maps are large and as wide as they are many. One layer is chosen
 * as on a slider, or several as in a list.
 *
 * @typedef {object} Layer
 * @property {string} name the module's own
 * @property {string} title what a person would call it
 * @property {string} about its maps and what a unit sees, in words
 * @property {number} tall 0 to 1
 * @property {number} wide 1 and more
 *
 * @typedef {object} State see `network_strip.py`
 * @property {Layer[]} layers
 * @property {string[]} chosen names
 * @property {number} most how many may be chosen
 *
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

const NAMED = 44; // CSS pixels a cell, from which on titles are written below it

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  el.classList.add("zf-strip");
  const words = element("div", "zf-strip-words");
  const strip = element("div", "zf-strip-cells");
  el.append(words, strip);
  let looked = -1; // the cell under the pointer
  let active = 0; // the one that keys move, where several can be chosen
  let held = false;

  const several = () => model.get("most") > 1;
  const layers = () => model.get("layers");
  const isChosen = (/** @type {number} */ place) => model.get("chosen").includes(layers()[place]?.name ?? "");
  const first = () => Math.max(0, layers().findIndex((_, place) => isChosen(place)));

  const build = () => {
    active = Math.min(first(), layers().length - 1);
    strip.replaceChildren(...layers().map((layer, place) => cellOf(layer, place, several())));
    strip.tabIndex = 0;
    strip.setAttribute("data-lm-suppress-shortcuts", "true"); // or Notebook 7 takes the arrow keys
    strip.setAttribute("role", several() ? "listbox" : "slider");
    strip.setAttribute("aria-label", several() ? "Layers" : "Layer");
    if (several()) strip.setAttribute("aria-multiselectable", "true");
    draw();
    measure();
  };
  const draw = () => {
    [...strip.children].forEach((cell, place) => {
      cell.classList.toggle("zf-chosen", isChosen(place));
      cell.classList.toggle("zf-active", several() && place === active);
      if (several()) cell.setAttribute("aria-selected", String(isChosen(place)));
    });
    const shown = layers()[looked] ?? layers()[several() ? active : first()];
    if (!shown) return;
    const picked = several() ? `${model.get("chosen").length} of at most ${model.get("most")} · ` : "";
    words.replaceChildren(picked, strong(shown.title), ` · ${shown.name} · ${shown.about}`);
    words.classList.toggle("zf-strip-looked", looked >= 0);
    if (several()) return strip.setAttribute("aria-activedescendant", strip.children[active]?.id ?? "");
    strip.setAttribute("aria-valuemin", "0");
    strip.setAttribute("aria-valuemax", String(layers().length - 1));
    strip.setAttribute("aria-valuenow", String(first()));
    strip.setAttribute("aria-valuetext", `${layers()[first()]?.title}, ${layers()[first()]?.about}`);
  };
  const measure = () => {
    el.classList.toggle("zf-strip-named", strip.clientWidth >= NAMED * layers().length);
    const titles = [...strip.querySelectorAll(".zf-strip-title")];
    const cut = titles.map((title) => title.scrollWidth > title.clientWidth);
    titles.forEach((title, place) => title.classList.toggle("zf-cut", cut[place]));
  };

  const choose = (/** @type {number} */ place) => {
    const name = layers()[place]?.name;
    if (name === undefined || (!several() && isChosen(place))) return;
    const chosen = model.get("chosen");
    const without = chosen.filter((other) => other !== name);
    active = place;
    model.set("chosen", !several() ? [name] : without.length < chosen.length ? without : [...chosen, name]);
    model.save_changes();
    draw();
  };
  const placeAt = (/** @type {MouseEvent} */ { clientX }) =>
    [...strip.children].findIndex((cell) => clientX < cell.getBoundingClientRect().right);
  const nearest = (/** @type {MouseEvent} */ event) => {
    const place = placeAt(event);
    return place < 0 ? layers().length - 1 : place;
  };
  const look = (/** @type {number} */ place) => {
    if (place === looked) return;
    looked = place;
    draw();
  };

  strip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    strip.focus();
    held = !several();
    if (held) strip.setPointerCapture(event.pointerId);
    choose(nearest(event));
  });
  strip.addEventListener("pointermove", (event) => {
    look(nearest(event));
    if (held) choose(looked);
  });
  strip.addEventListener("pointerup", () => (held = false));
  strip.addEventListener("pointercancel", () => (held = false));
  strip.addEventListener("pointerleave", () => look(-1));
  strip.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const from = several() ? active : first();
    const last = layers().length - 1;
    const to = { ArrowRight: from + 1, ArrowUp: from + 1, ArrowLeft: from - 1, ArrowDown: from - 1, Home: 0, End: last };
    const place = event.key in to ? to[/** @type {keyof typeof to} */ (event.key)] : undefined;
    const toggles = several() && (event.key === " " || event.key === "Enter");
    if (place === undefined && !toggles) return;
    event.preventDefault();
    event.stopPropagation();
    looked = -1;
    if (toggles) return choose(active);
    active = Math.min(Math.max(place ?? 0, 0), last);
    if (several()) draw();
    else choose(active);
  });

  model.on("change:layers", build);
  model.on("change:chosen", draw);
  const watch = new ResizeObserver(measure);
  watch.observe(strip);
  build();
  return () => watch.disconnect();
}

let count = 0;

/**
 * @param {Layer} layer
 * @param {number} place
 * @param {boolean} several
 */
function cellOf(layer, place, several) {
  const cell = element("div", "zf-strip-cell");
  cell.id = `zf-strip-${++count}`;
  cell.dataset.name = layer.name;
  cell.dataset.place = String(place);
  cell.title = `${layer.title} · ${layer.name}\n${layer.about}`;
  cell.style.flexGrow = String(layer.wide);
  if (several) {
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-label", `${layer.title}, ${layer.about}`);
  }
  const body = element("div", "zf-strip-body");
  body.style.height = `${100 * layer.tall}%`;
  const stand = element("div", "zf-strip-stand");
  stand.append(body);
  const title = element("div", "zf-strip-title");
  title.textContent = layer.title;
  cell.append(stand, title);
  return cell;
}

/** @param {string} text */
function strong(text) {
  const name = document.createElement("b");
  name.textContent = text;
  return name;
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
