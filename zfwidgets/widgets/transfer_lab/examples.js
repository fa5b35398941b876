// @ts-check
/**
 * Pictures of one thing: added from files, dropped, or taken with the camera, each of which can be taken away again.
 *
 * @typedef {object} State see `examples.py`
 * @property {string} what
 * @property {DataView<ArrayBuffer>[]} pictures
 *
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

const LARGEST = 8_000_000; // bytes of a file that the browser cannot read, and is sent as it is
const SIDE = 640; // pixels: no network here sees more

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  el.classList.add("zf-examples");
  const rail = element("div", "zf-examples-rail");
  const file = Object.assign(document.createElement("input"), { type: "file", accept: "image/*", multiple: true });
  file.hidden = true;
  const add = button("+", "Add pictures; or drop them here");
  const shoot = button("◉", "Take pictures with the camera");
  const booth = element("div", "zf-camera");
  booth.hidden = true;
  el.append(rail, add, shoot, file, booth);

  const build = () => {
    const what = model.get("what");
    rail.replaceChildren(...model.get("pictures").map((data, place) => {
      const away = button("", `Take picture ${place + 1} of ${what} away`);
      away.className = "zf-example";
      const picture = document.createElement("img");
      picture.alt = `${what} ${place + 1}`;
      const url = URL.createObjectURL(new Blob([data], { type: "image/jpeg" }));
      picture.onload = picture.onerror = () => URL.revokeObjectURL(url);
      picture.src = url;
      away.append(picture);
      away.addEventListener("click", () => model.send({ away: place }));
      return away;
    }));
  };
  const send = async (/** @type {FileList | null | undefined} */ files) => {
    for (const one of files ?? []) {
      const content = await fitted(one) ?? (one.size <= LARGEST ? one : null);
      if (content) model.send({ name: one.name }, undefined, [await content.arrayBuffer()]);
      else model.send({ name: one.name, refused: "it is larger than 8 MB, and the browser cannot read it" });
    }
  };

  add.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    await send(file.files);
    file.value = ""; // and the same file again
  });
  const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover", "drop"]) {
    el.addEventListener(name, (event) => {
      if (!(event instanceof DragEvent) || !holdsFiles(event)) return;
      event.preventDefault();
      event.stopPropagation();
      el.classList.toggle("zf-examples-over", name !== "drop");
      if (name === "drop") send(event.dataTransfer?.files);
    });
  }
  el.addEventListener("dragleave", () => el.classList.remove("zf-examples-over"));

  const camera = cameraIn(booth, (content) => model.send({ name: "camera" }, undefined, [content]));
  shoot.addEventListener("click", async () => {
    const error = await camera.toggle();
    shoot.setAttribute("aria-pressed", String(!booth.hidden));
    if (error) model.send({ name: "camera", refused: error });
  });
  model.on("change:pictures", build);
  build();
  return () => camera.stop();
}

/**
 * A live picture with a button to keep it; the camera is let go of when it is closed.
 *
 * @param {HTMLElement} booth
 * @param {(content: ArrayBuffer) => void} keep
 */
function cameraIn(booth, keep) {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  video.setAttribute("aria-label", "What the camera sees");
  const take = button("Take picture", "Keep what the camera sees now");
  take.className += " zf-camera-take";
  booth.append(video, take);
  /** @type {MediaStream | undefined} */
  let stream;
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = undefined;
    booth.hidden = true;
  };
  take.addEventListener("click", async () => {
    const content = await drawn(video, video.videoWidth, video.videoHeight);
    if (content) keep(await content.arrayBuffer());
  });
  /** @returns {Promise<string | undefined>} what went wrong */
  const toggle = async () => {
    if (!booth.hidden) return void stop();
    if (!navigator.mediaDevices) return "a camera works on https and localhost only; add a file instead";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: SIDE, facingMode: "environment" } });
    } catch (error) {
      return `the browser gives no camera (${error instanceof Error ? error.message : error}); add a file instead`;
    }
    video.srcObject = stream;
    booth.hidden = false;
    await video.play();
    return undefined;
  };
  return { toggle, stop };
}

/**
 * A picture with as many pixels as a network needs; null where the browser cannot read it.
 *
 * @param {File} file
 * @returns {Promise<Blob | null>}
 */
async function fitted(file) {
  try {
    const whole = await createImageBitmap(file);
    return await drawn(whole, whole.width, whole.height);
  } catch {
    return null;
  }
}

/**
 * @param {CanvasImageSource} source
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Blob | null>}
 */
function drawn(source, width, height) {
  const scale = Math.min(1, SIDE / Math.max(width, height, 1));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const paper = canvas.getContext("2d");
  if (paper) {
    paper.fillStyle = "#fff"; // what is see-through is laid on white, as everywhere here
    paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(source, 0, 0, canvas.width, canvas.height);
  }
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
}

/**
 * @param {string} words
 * @param {string} title
 */
function button(words, title) {
  const made = element("button", "zf-add-photo jupyter-button widget-button");
  made.textContent = words;
  made.title = title;
  made.setAttribute("aria-label", title);
  return made;
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
