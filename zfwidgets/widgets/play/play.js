// @ts-check
/**
 * A button that goes through places, one after another.
 *
 * @typedef {object} State see `play.py`
 * @property {number} place
 * @property {number} count
 * @property {boolean} playing
 * @property {number} interval
 * @property {string} what
 */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  el.classList.add("zf-play");
  el.append(button);

  /** @type {number | undefined} */
  let timer;
  const draw = () => {
    const playing = model.get("playing");
    button.textContent = playing ? "❚❚" : "▶";
    button.title = `${playing ? "Stop" : "Play"} ${model.get("what")}`.trim();
    button.setAttribute("aria-label", button.title);
  };
  /** @param {Partial<State>} values */
  const send = (values) => {
    for (const [name, value] of Object.entries(values)) model.set(/** @type {keyof State} */ (name), value);
    model.save_changes();
  };
  const step = () => {
    const place = model.get("place") + 1;
    if (place >= model.get("count")) return send({ playing: false });
    send({ place });
  };
  const follow = () => {
    window.clearInterval(timer);
    timer = model.get("playing") ? window.setInterval(step, model.get("interval")) : undefined;
    draw();
  };
  button.addEventListener("click", () => {
    if (model.get("playing")) return send({ playing: false });
    const atEnd = model.get("place") >= model.get("count") - 1;
    send(atEnd ? { place: 0, playing: true } : { playing: true });
  });
  model.on("change:playing", follow);
  model.on("change:what", draw);
  follow();
  return () => {
    window.clearInterval(timer);
    model.off("change:playing", follow);
    model.off("change:what", draw);
  };
}

export default { render };
