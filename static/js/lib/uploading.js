// Bringing a file to the server: chosen, or dropped anywhere on the page; one at a time.
import { part, showProblem } from "./dom.js";

/**
 * @param {(file: File, signal: AbortSignal, ...rest: any[]) => Promise<string>} send returns the address to go to
 * @param {string} notAFile said when what was dropped is no file
 * @returns {(file: File | undefined, ...rest: any[]) => Promise<void>} the same for a file from elsewhere;
 *   `rest` goes to `send`
 */
export function bindUpload(send, notAFile) {
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
  const start = async (/** @type {File | undefined} */ file, /** @type {any[]} */ ...rest) => {
    if (isBusy()) return;
    showProblem(file ? "" : notAFile);
    if (!file) return;
    show(true, file.name);
    controller = new AbortController();
    try {
      location.assign(await send(file, controller.signal, ...rest));
    } catch (error) {
      show(false);
      if (!controller.signal.aborted) showProblem(/** @type {Error} */ (error).message);
    }
  };
  for (const input of document.querySelectorAll("[data-pick]")) {
    const picker = /** @type {HTMLInputElement} */ (input);
    picker.addEventListener("change", () => {
      if (picker.files?.[0]) start(picker.files[0]);
      picker.value = ""; // so that the same file can be chosen again
    });
  }
  part("abort").addEventListener("click", () => controller.abort());
  bindDropZone(part("veil"), isBusy, (data) => start(data?.files[0]));
  // Coming back with the browser's Back button must not find the page still busy.
  addEventListener("pageshow", () => show(false));
  return start;
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
