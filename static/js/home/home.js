// The home page: photos and clips from anywhere (button, camera, folder, drop, paste, example) become analyses.
import { load, upload } from "../lib/api.js";
import { part, showTimes, showProblem } from "../lib/dom.js";
import { bindUpload } from "../lib/uploading.js";
import { ask } from "./asking.js";
import { filesIn, unfolded } from "./gather.js";
import { Sheet } from "./sheet.js";
import { isZip } from "./zip.js";

/** @param {File} file @returns {(fraction: number) => void} */
const showProgress = (file) => (fraction) => {
  /** @type {HTMLProgressElement} */ (part("progress")).value = fraction;
  part("busy-step").textContent =
    fraction < 1 ? `${Math.round(100 * fraction)} %` : `reading the ${kindOf(file)}`;
};

/** As far as its name and type say. @param {File} file */
const kindOf = ({ type }) => (type.startsWith("video/") || type === "image/gif" ? "clip" : "photo");

/** Upload and ask for the table. @param {File} file @param {AbortSignal} signal @param {string} [trueClass] */
async function send(file, signal, trueClass) {
  showProgress(file)(0);
  const media = await upload(file, showProgress(file), signal);
  const say = (/** @type {string} */ words) => (part("busy-step").textContent = words);
  say("starting");
  const analysis = await ask(media, signal, say);
  const query = new URLSearchParams();
  if (trueClass) query.set("true", trueClass);
  if (analysis.stored) query.set("stored", "1"); // this very page has answered it before
  return `${analysis.links.page}${query.size ? `?${query}` : ""}`;
}

const examples = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-example]"));
const sheet = new Sheet((busy) => {
  for (const button of examples) button.disabled = busy;
});

/** One file has a page of its own; several have a sheet. @param {File[]} files @returns {Promise<boolean>} whether the sheet took them */
async function takeSeveral(files) {
  if (!sheet.isOpen && files.length === 1 && !(await isZip(files[0]))) return false;
  const found = await unfolded(files, Number(part("drop").dataset.most));
  if (found.items.length > 0 || found.hidden > 0) sheet.add(found);
  else showProblem("There is no file in it: choose a folder or a ZIP with photos or clips.");
  return true;
}

const { start, take } = bindUpload(send, {
  notAFile: "That was not a file. Save the photo or clip first, then drop it here.",
  filesIn,
  takeSeveral,
});

document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length > 0) take(files);
  else if (part("busy").hidden) showProblem("There is no photo on the clipboard. Copy an image, not its address.");
});

for (const button of examples) {
  button.addEventListener("click", async () => {
    const { example = "", name = "example", true: trueClass } = button.dataset;
    /** @type {Blob} */
    let blob;
    try {
      blob = await load(example, {}, "blob");
    } catch (error) {
      return showProblem(/** @type {Error} */ (error).message);
    }
    const ending = example.slice(example.lastIndexOf("."));
    start(new File([blob], name.endsWith(ending) ? name : name + ending, { type: blob.type }), trueClass);
  });
}

showTimes();
