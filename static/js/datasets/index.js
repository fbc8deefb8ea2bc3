// The list of datasets, and the ways to bring one: an archive, a folder on the server, Imagenette.
import { getJson, isFinal, postJson, sendForm } from "../lib/api.js";
import { part } from "../lib/dom.js";
import { bindDropZone } from "../lib/drop-zone.js";
import { agoAll, bytes, duration, say, words } from "./words.js";

const DATASETS = "/api/v1/datasets";
const LOOK_MS = 1000;
let controller = new AbortController();
let busy = false;

/** @param {boolean} on @param {string} [name] */
function setBusy(on, name = "") {
  busy = on;
  part("idle").hidden = on;
  part("busy").hidden = !on;
  part("busy-name").textContent = name;
}

/** @param {File} file @returns {FormData} the options first, so that the server has them early */
function formOf(file) {
  const form = new FormData();
  const option = (/** @type {string} */ name) =>
    /** @type {HTMLInputElement} */ (document.querySelector(`[data-option="${name}"]`)).value.trim();
  if (option("name")) form.append("name", option("name"));
  form.append("val_share", String(Number(option("share") || 20) / 100));
  form.append("seed", option("seed") || "0");
  form.append("file", file, file.name);
  return form;
}

/** @param {File} file */
async function send(file) {
  if (busy) return;
  say();
  setBusy(true, file.name);
  controller = new AbortController();
  const began = performance.now();
  const show = (/** @type {number} */ fraction) => {
    /** @type {HTMLProgressElement} */ (part("progress")).value = fraction;
    const left = ((performance.now() - began) / 1000) * (1 / Math.max(fraction, 1e-6) - 1);
    part("busy-step").textContent =
      fraction < 1
        ? `${bytes(fraction * file.size)} of ${bytes(file.size)}, ${duration(left)} left`
        : "Uploaded; the server looks at it";
  };
  show(0);
  try {
    const dataset = await sendForm(DATASETS, formOf(file), show, controller.signal);
    location.assign(dataset.links.page);
  } catch (error) {
    setBusy(false);
    if (!controller.signal.aborted) say(/** @type {Error} */ (error).message);
  }
}

function bindUpload() {
  const picker = /** @type {HTMLInputElement} */ (part("pick"));
  picker.addEventListener("change", () => {
    if (picker.files?.[0]) send(picker.files[0]);
    picker.value = ""; // so that the same file can be chosen again
  });
  part("abort").addEventListener("click", () => controller.abort());
  bindDropZone(part("veil"), () => busy, (data) => {
    const file = data?.files[0];
    if (file) send(file);
    else say("That was not a file: drop a ZIP or a TAR of the folder.");
  });
}

/** @param {HTMLFormElement} form posts itself as JSON, then goes to the new dataset */
function bindForm(form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    say();
    if (button) button.disabled = true;
    const kind = form.dataset.from;
    const body = Object.fromEntries(new FormData(form));
    try {
      const address = kind === "folder" ? `${DATASETS}/from-folder` : `${DATASETS}/${kind}`;
      location.assign((await postJson(address, body)).links.page);
    } catch (error) {
      say(/** @type {Error} */ (error).message);
      if (button) button.disabled = false;
    }
  });
}

/** Keep looking at a dataset that is being imported. @param {HTMLElement} row */
async function watch(row) {
  const bar = row.querySelector("progress");
  const text = row.querySelector("[data-says]");
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    let dataset;
    try {
      dataset = await getJson(row.dataset.dataset ?? "");
    } catch (error) {
      if (/** @type {any} */ (error).status === 404) return row.remove();
      continue; // the server is away for a moment
    }
    if (bar) bar.value = dataset.progress;
    if (text) text.textContent = words(dataset);
    row.dataset.state = dataset.state;
    if (isFinal(dataset)) {
      if (dataset.state === "succeeded") fill(row, dataset);
      return bar?.remove();
    }
  }
}

/** Show the first image of each class. @param {HTMLElement} row @param {any} dataset */
function fill(row, dataset) {
  let place = 0;
  for (const one of dataset.classes.slice(0, 8)) {
    const image = new Image(72, 72);
    image.alt = "";
    image.src = `${dataset.links.images}/train/${place}?size=96`;
    row.querySelector(".strip")?.append(image);
    place += one.train;
  }
}

agoAll();
if (part("bring")) bindUpload();
for (const form of document.querySelectorAll("form[data-from]")) {
  bindForm(/** @type {HTMLFormElement} */ (form));
}
for (const row of document.querySelectorAll('[data-state="queued"], [data-state="running"]')) {
  watch(/** @type {HTMLElement} */ (row));
}
// Coming back with the browser's Back button must not find the page still busy.
addEventListener("pageshow", () => part("bring") && setBusy(false));
