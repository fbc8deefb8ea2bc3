// Bringing files to the server: chosen, or dropped anywhere on the page.
import { part, showProblem } from "./dom.js";

/**
 * @typedef {object} Ways
 * @property {string} notAFile said when what was dropped is no file
 * @property {string} [oneOnly] said when several were, where only one can be taken
 * @property {(data: DataTransfer | null) => Promise<File[]>} [filesIn] of a drop; without it no folder is opened
 * @property {(files: File[]) => Promise<boolean>} [takeSeveral] returns whether it has taken them
 */

/**
 * @param {(file: File, signal: AbortSignal, ...rest: any[]) => Promise<string>} send returns the address to go to
 * @param {Ways} ways
 * @returns {{start: (file: File, ...rest: any[]) => Promise<void>, take: (files: File[]) => Promise<void>}}
 *   for files from elsewhere; `rest` goes to `send`
 */
export function bindUpload(send, { notAFile, oneOnly = "", filesIn = async (data) => [...(data?.files ?? [])], takeSeveral = async () => false }) {
  let controller = new AbortController();
  const show = (/** @type {boolean} */ busy, name = "") => {
    part("idle").hidden = busy;
    part("busy").hidden = !busy;
    part("busy-name").textContent = name;
    for (const example of document.querySelectorAll("[data-example]")) {
      /** @type {HTMLButtonElement} */ (example).disabled = busy;
    }
  };
  const isBusy = () => !part("busy").hidden;
  const start = async (/** @type {File} */ file, /** @type {any[]} */ ...rest) => {
    if (isBusy()) return showProblem("One file is on its way: wait for it, or cancel it, and bring the next one then.");
    showProblem();
    show(true, file.name);
    controller = new AbortController();
    try {
      location.assign(await send(file, controller.signal, ...rest));
    } catch (error) {
      show(false);
      if (!controller.signal.aborted) showProblem(/** @type {Error} */ (error).message);
    }
  };
  const take = async (/** @type {File[]} */ files) => {
    if (files.length === 0) return showProblem(notAFile);
    showProblem();
    if (!isBusy() && (await takeSeveral(files))) return;
    if (files.length > 1) return showProblem(oneOnly || "One file is on its way: wait for it, or cancel it, and bring the others then.");
    await start(files[0]);
  };
  for (const input of document.querySelectorAll("[data-pick]")) {
    const picker = /** @type {HTMLInputElement} */ (input);
    picker.addEventListener("change", () => {
      const files = [...(picker.files ?? [])];
      if (files.length > 0) take(files);
      picker.value = ""; // so that the same file can be chosen again
    });
  }
  part("abort").addEventListener("click", () => controller.abort());
  bindDropZone(part("veil"), isBusy, (data) => filesIn(data).then(take, (error) => showProblem(`The folder cannot be read: ${error.message}`)));
  // Coming back with the browser's Back button must not find the page still busy.
  addEventListener("pageshow", () => show(false));
  return { start, take };
}

/**
 * Dropping a file anywhere on the page, with a veil while one hovers over it.
 * @param {HTMLElement} veil @param {() => boolean} isBusy no veil while something is under way
 * @param {(data: DataTransfer | null) => void} take
 */
function bindDropZone(veil, isBusy, take) {
  let depth = 0; // dragenter and dragleave fire for every element passed
  document.addEventListener("dragenter", () => {
    depth += 1;
    veil.hidden = isBusy();
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) veil.hidden = true;
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    take(event.dataTransfer);
  });
}
