// The home page: a photo or clip from anywhere (button, camera, drop, paste, example) becomes an analysis.
import { ApiError, postJson, upload } from "../lib/api.js";
import { part } from "../lib/dom.js";
import { bindDropZone } from "../lib/drop-zone.js";
import { ago } from "../lib/format.js";

let controller = new AbortController();
let busy = false;

/** @param {string} [sentence] */
function say(sentence) {
  part("error").hidden = !sentence;
  part("error").textContent = sentence ?? "";
}

/** @param {boolean} on @param {string} [name] */
function setBusy(on, name = "") {
  busy = on;
  part("idle").hidden = on;
  part("busy").hidden = !on;
  part("busy-name").textContent = name;
  for (const example of document.querySelectorAll("[data-example]")) {
    /** @type {HTMLButtonElement} */ (example).disabled = on;
  }
}

/** @param {File} file @returns {(fraction: number) => void} */
const showProgress = (file) => (fraction) => {
  /** @type {HTMLProgressElement} */ (part("progress")).value = fraction;
  part("busy-step").textContent =
    fraction < 1 ? `${Math.round(100 * fraction)} %` : `reading the ${kindOf(file)}`;
};

/** As far as its name and type say. @param {File} file */
const kindOf = ({ type }) => (type.startsWith("video/") || type === "image/gif" ? "clip" : "photo");

/** Just after its start a server has no models yet: wait for them. @param {string} media_id */
async function ask(media_id) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await postJson("/api/v1/analyses", { media_id });
    } catch (error) {
      const busy = error instanceof ApiError && error.status === 503 && tries < 60;
      if (!busy || controller.signal.aborted) throw error;
      part("busy-step").textContent = "the models are loading";
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

/**
 * Upload, ask for the table, go there.
 * @param {File} file @param {string} [trueClass]
 */
async function start(file, trueClass) {
  if (busy) return;
  say();
  setBusy(true, file.name);
  showProgress(file)(0);
  controller = new AbortController();
  try {
    const media = await upload(file, showProgress(file), controller.signal);
    part("busy-step").textContent = "starting";
    const analysis = await ask(media.id);
    const query = new URLSearchParams();
    if (trueClass) query.set("true", trueClass);
    if (analysis.stored) query.set("stored", "1"); // this very page has answered it before
    location.assign(`${analysis.links.page}${query.size ? `?${query}` : ""}`);
  } catch (error) {
    setBusy(false);
    if (!controller.signal.aborted) {
      say(/** @type {Error} */ (error).message);
    }
  }
}

/** @param {DataTransfer | null} transfer @returns {File | undefined} */
const firstFile = (transfer) => transfer?.files[0];

/** @param {string} sentence */
const notAFile = (sentence) => !busy && say(sentence);

for (const input of document.querySelectorAll("[data-pick]")) {
  input.addEventListener("change", () => {
    const picker = /** @type {HTMLInputElement} */ (input);
    if (picker.files?.[0]) start(picker.files[0]);
    picker.value = ""; // so that the same file can be chosen again
  });
}

document.addEventListener("paste", (event) => {
  const file = firstFile(event.clipboardData);
  if (file) start(file);
  else notAFile("There is no photo on the clipboard. Copy an image, not its address.");
});

bindDropZone(part("veil"), () => busy, (data) => {
  const file = firstFile(data);
  if (file) start(file);
  else notAFile("That was not a file. Save the photo or clip first, then drop it here.");
});

part("abort").addEventListener("click", () => controller.abort());

for (const element of document.querySelectorAll("[data-example]")) {
  const button = /** @type {HTMLButtonElement} */ (element);
  button.addEventListener("click", async () => {
    const { example = "", name = "example", true: trueClass } = button.dataset;
    const blob = await (await fetch(example)).blob();
    const ending = example.slice(example.lastIndexOf("."));
    start(new File([blob], name.endsWith(ending) ? name : name + ending, { type: blob.type }), trueClass);
  });
}

for (const element of document.querySelectorAll("time[data-ago]")) {
  const time = /** @type {HTMLTimeElement} */ (element);
  time.textContent = ago(new Date(time.dateTime));
  time.title = new Date(time.dateTime).toLocaleString();
}
// Coming back with the browser's Back button must not find the page still busy.
addEventListener("pageshow", () => setBusy(false));
