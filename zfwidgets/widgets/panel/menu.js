// @ts-check
/**
 * What can be done with a panel: save what it shows, copy its code, begin anew, see it large, try something, read how to use it.
 *
 * @typedef {object} State see `menu.py`
 * @property {string} title
 * @property {string[][]} help pairs of what and how
 * @property {string[]} tries what a reader may try, in words
 */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  el.classList.add("zf-menu");
  const button = element("button", "zf-menu-button jupyter-button widget-button");
  button.textContent = "⋯";
  button.title = "Save, copy the code, reset, full screen, things to try, help";
  button.setAttribute("aria-label", "Menu");
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  const list = element("div", "zf-menu-list");
  list.setAttribute("role", "menu");
  list.hidden = true;
  const dialog = document.createElement("dialog");
  dialog.className = "zf-menu-dialog";
  el.append(button, list, dialog);

  const panel = () => /** @type {HTMLElement | null} */ (el.closest(".zf-panel"));
  /** @type {[string, () => void][]} */
  const items = [
    ["Picture (PNG)", () => model.send("png")],
    ["Picture (SVG)", () => model.send("svg")],
    ["Table (CSV)", () => model.send("csv")],
    ["Result (safetensors)", () => model.send("result")],
    ["Copy code", () => model.send("code")],
    ["Reset", () => model.send("reset")],
    ["Large type", () => panel()?.classList.toggle("zf-hall")],
    ["Full screen", () => (document.fullscreenElement ? document.exitFullscreen() : panel()?.requestFullscreen())],
    .../** @type {[string, () => void][]} */ (model.get("tries").map(
      (words) => [`Try: ${words}`, () => model.send({ try: words })],
    )),
    ["Help", () => tell(dialog, model.get("title"), helpOf(model.get("help")))],
  ];
  const close = (/** @type {boolean} */ back) => {
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (back) button.focus();
  };
  const open = () => {
    list.replaceChildren(...items.map(([name, act]) => itemOf(name, () => (close(true), act()))));
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    /** @type {HTMLElement} */ (list.firstElementChild).focus();
  };
  button.addEventListener("click", () => (list.hidden ? open() : close(true)));
  list.addEventListener("keydown", (event) => {
    const all = /** @type {HTMLElement[]} */ ([...list.children]);
    const from = all.findIndex((each) => each === document.activeElement);
    const to = { ArrowDown: from + 1, ArrowUp: from - 1 + all.length, Home: 0, End: all.length - 1 };
    event.stopPropagation();
    if (event.key === "Escape") return close(true);
    if (event.key === "Tab") return close(false);
    if (!(event.key in to)) return;
    event.preventDefault();
    all[to[/** @type {keyof typeof to} */ (event.key)] % all.length]?.focus();
  });
  const away = new AbortController();
  document.addEventListener("pointerdown", ({ target }) => {
    if (!list.hidden && target instanceof Node && !el.contains(target)) close(false);
  }, { signal: away.signal });

  model.on("msg:custom", (/** @type {any} */ message, /** @type {DataView<ArrayBuffer>[]} */ buffers) => {
    if (message.code !== undefined) return copy(message.code, dialog);
    if (message.name !== undefined && buffers[0]) download(message.name, buffers[0]);
  });
  return () => away.abort();
}

/**
 * @param {string} name
 * @param {() => void} act
 */
function itemOf(name, act) {
  const item = element("button", "zf-menu-item");
  item.textContent = name;
  item.tabIndex = -1;
  item.setAttribute("role", "menuitem");
  item.setAttribute("data-lm-suppress-shortcuts", "true");
  item.addEventListener("click", act);
  return item;
}

/** @param {string[][]} help */
function helpOf(help) {
  const table = document.createElement("dl");
  for (const [what, how] of help) {
    const [term, explanation] = [document.createElement("dt"), document.createElement("dd")];
    [term.textContent, explanation.textContent] = [what ?? "", how ?? ""];
    table.append(term, explanation);
  }
  return table;
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {string} title
 * @param {HTMLElement} content
 */
function tell(dialog, title, content) {
  const head = document.createElement("h3");
  head.textContent = title;
  const close = element("button", "jupyter-button widget-button");
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.setAttribute("aria-label", title);
  dialog.replaceChildren(head, content, close);
  if (!dialog.open) dialog.showModal();
}

/**
 * Into the clipboard; and to be seen, as browsers may refuse that.
 *
 * @param {string} code
 * @param {HTMLDialogElement} dialog
 */
async function copy(code, dialog) {
  const field = document.createElement("textarea");
  field.value = code;
  field.readOnly = true;
  field.rows = code.split("\n").length + 1;
  field.setAttribute("aria-label", "Code");
  const done = await navigator.clipboard?.writeText(code).then(() => true, () => false);
  tell(dialog, done ? "The code is in the clipboard" : "The code of what is shown", field);
  field.select();
}

/**
 * @param {string} name
 * @param {DataView<ArrayBuffer>} data
 */
function download(name, data) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([data]));
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name
 */
function element(tag, name) {
  return Object.assign(document.createElement(tag), { className: name });
}

export default { render };
