// @ts-check
/** A combobox: what is typed is looked for at the beginnings of words; arrows, Enter and Escape, or the mouse. */

const NOTHING_CHOSEN = "what the network says";
const FEW = 50; // labels that are listed before anything is typed

/** @typedef {{ value: string, labels: string[], groups: Record<string, number[]> }} State */
/** @typedef {{ text: string, value?: string, opens?: string }} Row  A label to choose, a word to look into, a heading. */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  const box = make("input", "zf-class-input");
  const list = make("div", "zf-class-list");
  const said = make("div", "zf-picture-spoken");
  list.id = `zf-classes-${crypto.randomUUID()}`;
  list.hidden = true;
  box.placeholder = NOTHING_CHOSEN;
  box.spellcheck = false;
  for (const [name, words] of Object.entries({
    type: "text",
    autocomplete: "off",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
    "data-lm-suppress-shortcuts": "true",
  })) {
    box.setAttribute(name, words);
  }
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Classes");
  said.setAttribute("role", "status");
  el.append(box, list, said);

  /** @type {Row[]} */
  let rows = [];
  let active = -1;

  const show = () => {
    box.value = model.get("value");
  };
  const close = () => {
    list.hidden = true;
    active = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  /** @param {number} place */
  const activate = (place) => {
    active = place;
    for (const [number, option] of [...list.children].entries()) {
      option.setAttribute("aria-selected", String(number === active));
    }
    const option = list.children[active];
    if (!option) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  };
  /** @param {number} step */
  const move = (step) => {
    const choices = [...rows.keys()].filter((number) => isChoice(rows[number]));
    const place = active < 0 && step < 0 ? choices.length : choices.indexOf(active);
    if (choices.length) activate(choices[(place + step + choices.length) % choices.length]);
  };
  const open = () => {
    rows = found(box.value, model.get("labels"), model.get("groups"));
    const count = rows.filter((row) => row.value).length;
    list.replaceChildren(...rows.map((row, number) => draw(row, `${list.id}-${number}`)));
    list.hidden = false;
    list.scrollTop = 0;
    box.setAttribute("aria-expanded", "true");
    activate(box.value ? rows.findIndex(isChoice) : -1);
    said.textContent = !box.value ? "" : count ? `${count} ${count === 1 ? "class" : "classes"}` : rows[0].text;
  };
  /** @param {Row | undefined} row */
  const choose = (row) => {
    if (row?.opens) {
      box.value = row.opens;
      return open();
    }
    send(row?.value ?? box.value.trim());
  };
  /** @param {string} value */
  const send = (value) => {
    close();
    box.value = value;
    model.set("value", value);
    model.save_changes();
  };

  box.addEventListener("input", open);
  box.addEventListener("click", () => list.hidden && open());
  box.addEventListener("focus", () => box.select());
  box.addEventListener("blur", () => {
    close();
    if (box.value.trim() === "" && model.get("value")) send("");
    else show();
  });
  box.addEventListener("keydown", (event) => {
    /** @type {Record<string, () => unknown>} */
    const answers = {
      ArrowDown: () => (list.hidden ? open() : move(1)),
      ArrowUp: () => (list.hidden ? open() : move(-1)),
      Enter: () => choose(list.hidden ? undefined : rows[active]),
      Escape: () => (list.hidden ? show() : close()),
    };
    const answer = answers[event.key];
    if (!answer) return;
    event.preventDefault();
    event.stopPropagation();
    answer();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // or the box loses the keyboard
  list.addEventListener("click", ({ target }) => {
    const row = rows[[...list.children].indexOf(/** @type {Element} */ (target))];
    if (isChoice(row)) choose(row);
  });
  model.on("change:value", show);
  show();
}

/**
 * What there is to choose from for a text: first the labels that go by the word, then those with a word that begins so.
 *
 * @param {string} text
 * @param {string[]} labels
 * @param {Record<string, number[]>} groups
 * @returns {Row[]}
 */
function found(text, labels, groups) {
  const wanted = words(text).join(" ");
  const nobody = { text: NOTHING_CHOSEN, value: "" };
  if (!wanted) return [nobody, ...(labels.length > FEW ? Object.entries(groups).map(folded) : labels.map(one))];
  const begins = (/** @type {string} */ name) => ` ${words(name).join(" ")}`.includes(` ${wanted}`);
  /** @type {Row[]} */
  const rows = [];
  const listed = new Set();
  for (const [names, numbers] of Object.entries(groups)) {
    if (!isCalled(names, wanted)) continue;
    rows.push({ text: headed(names, numbers) });
    for (const number of numbers) {
      rows.push(one(labels[number]));
      listed.add(number);
    }
  }
  const others = labels.filter((label, number) => begins(label) && !listed.has(number));
  const exact = others.filter((label) => words(label).join(" ") === wanted);
  const wider = Object.entries(groups).filter(([names]) => begins(names) && !isCalled(names, wanted));
  if (rows.length && others.length) rows.push({ text: `labels with “${text.trim()}”` });
  const rest = [...exact.map(one), ...wider.map(folded), ...others.filter((label) => !exact.includes(label)).map(one)];
  const all = [...rows, ...rest];
  return all.length ? all : [{ text: `No class is called “${text.trim()}”` }];
}

/** @param {string} label */
function one(label) {
  return { text: label, value: label };
}

/** @param {[string, number[]]} group */
function folded([names, numbers]) {
  return { text: `${headed(names, numbers)} …`, opens: names.split(", ")[0] };
}

/**
 * @param {string} names
 * @param {number[]} numbers
 */
function headed(names, numbers) {
  return `${names.split(", ")[0]} · ${numbers.length} ${numbers.length === 1 ? "class" : "classes"}`;
}

/**
 * Whether a group has this name, as one thing or as several.
 *
 * @param {string} names
 * @param {string} wanted
 */
function isCalled(names, wanted) {
  return names.split(", ").some((name) => [name, `${name}s`, `${name}es`].includes(wanted));
}

/** @param {string} text */
function words(text) {
  return text.toLowerCase().match(/[\p{Letter}\p{Number}]+/gu) ?? [];
}

/** @param {Row | undefined} row */
function isChoice(row) {
  return row !== undefined && (row.value !== undefined || row.opens !== undefined);
}

/**
 * @param {Row} row
 * @param {string} id
 */
function draw(row, id) {
  const option = make("div", isChoice(row) ? "zf-class-option" : "zf-class-heading");
  option.id = id;
  option.textContent = row.text;
  option.setAttribute("role", "option");
  if (!isChoice(row)) option.setAttribute("aria-disabled", "true");
  return option;
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} className
 */
function make(name, className) {
  const element = document.createElement(name);
  element.className = className;
  return element;
}

export default { render };
