// The list of datasets, and the ways to bring one: an archive, a folder on the server, Imagenette.
import { getJson, isFinal, postJson, sendForm, sleep } from "../lib/api.js";
import { attempt, part, showTimes } from "../lib/dom.js";
import { bytes, duration } from "../lib/format.js";
import { bindUpload } from "../lib/uploading.js";
import { words } from "./words.js";

const DATASETS = "/api/v1/datasets";
const LOOK_MS = 1000;

/** @param {File} file @returns {FormData} the options first, so that the server has them early */
function formOf(file) {
  const form = new FormData();
  const option = (/** @type {string} */ name) =>
    /** @type {HTMLInputElement} */ (document.querySelector(`[data-option="${name}"]`)).value.trim();
  if (option("name")) form.append("name", option("name"));
  form.append("val_share", String(Number(option("share") || 20) / 100));
  form.append("seed", option("seed") || "0");
  form.append("review", "true"); // the page shows what was understood first
  form.append("file", file, file.name);
  return form;
}

/** @param {File} file @param {AbortSignal} signal */
async function send(file, signal) {
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
  return (await sendForm(DATASETS, formOf(file), show, signal)).links.page;
}

/** @param {HTMLFormElement} form posts itself as JSON, then goes to the new dataset */
function bindForm(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const review = form.dataset.from === "folder" ? { review: true } : {};
    const address = `${DATASETS}/${form.dataset.from === "folder" ? "from-folder" : form.dataset.from}`;
    attempt(form.querySelector("button"), async () => {
      location.assign((await postJson(address, { ...Object.fromEntries(new FormData(form)), ...review })).links.page);
    });
  });
}

/** Keep looking at a dataset that is being imported. @param {HTMLElement} row */
async function watch(row) {
  const bar = row.querySelector("progress");
  const text = row.querySelector("[data-says]");
  for (;;) {
    await sleep(LOOK_MS);
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

showTimes();
if (part("bring")) {
  bindUpload(send, {
    notAFile: "That was not a file: drop a ZIP or a TAR of the folder.",
    oneOnly: "A dataset comes as one file: pack all of it as one ZIP or TAR, and drop that.",
  });
}
for (const form of document.querySelectorAll("form[data-from]")) {
  bindForm(/** @type {HTMLFormElement} */ (form));
}
for (const row of document.querySelectorAll('[data-state="queued"], [data-state="running"]')) {
  watch(/** @type {HTMLElement} */ (row));
}
