// @ts-check
/** A button that shows the rarer controls of the bar in which it stands, or hides them. The kernel need not know. */

/** @type {import("@anywidget/types").Render} */
function render({ el }) {
  const button = document.createElement("button");
  button.className = "jupyter-button widget-button";
  const bar = () => el.closest(".zf-controls");
  const draw = () => {
    const open = bar()?.classList.contains("zf-more-open") ?? false;
    button.textContent = open ? "Less ▴" : "More ▾";
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => {
    bar()?.classList.toggle("zf-more-open");
    draw();
  });
  el.append(button);
  draw();
}

export default { render };
