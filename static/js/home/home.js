// The home page: a photo or clip from anywhere (button, camera, drop, paste, example) becomes an analysis.
import { ApiError, load, postJson, sleep, upload } from "../lib/api.js";
import { remembered } from "../lib/chosen.js";
import { API, part, showTimes, showProblem } from "../lib/dom.js";
import { bindUpload } from "../lib/uploading.js";

/** @param {File} file @returns {(fraction: number) => void} */
const showProgress = (file) => (fraction) => {
  /** @type {HTMLProgressElement} */ (part("progress")).value = fraction;
  part("busy-step").textContent =
    fraction < 1 ? `${Math.round(100 * fraction)} %` : `reading the ${kindOf(file)}`;
};

/** As far as its name and type say. @param {File} file */
const kindOf = ({ type }) => (type.startsWith("video/") || type === "image/gif" ? "clip" : "photo");

/** Just after its start a server has no models yet: wait for them. @param {any} media @param {AbortSignal} signal */
async function ask({ id: media_id, kind }, signal) {
  let { chosen } = remembered(kind);
  for (let tries = 0; ; tries += 1) {
    try {
      return await postJson(`${API}/analyses`, { media_id, ...(chosen.length > 0 && { models: chosen }) });
    } catch (error) {
      if (error instanceof ApiError && error.status === 422 && chosen.length > 0) {
        chosen = []; // one of them is gone
        continue;
      }
      const loading = error instanceof ApiError && error.status === 503 && tries < 60;
      if (!loading || signal.aborted) throw error;
      part("busy-step").textContent = "the models are loading";
      await sleep(1000);
    }
  }
}

/** Upload and ask for the table. @param {File} file @param {AbortSignal} signal @param {string} [trueClass] */
async function send(file, signal, trueClass) {
  showProgress(file)(0);
  const media = await upload(file, showProgress(file), signal);
  part("busy-step").textContent = "starting";
  const analysis = await ask(media, signal);
  const query = new URLSearchParams();
  if (trueClass) query.set("true", trueClass);
  if (analysis.stored) query.set("stored", "1"); // this very page has answered it before
  return `${analysis.links.page}${query.size ? `?${query}` : ""}`;
}

const start = bindUpload(send, "That was not a file. Save the photo or clip first, then drop it here.");

document.addEventListener("paste", (event) => {
  const file = event.clipboardData?.files[0];
  if (file) start(file);
  else if (part("busy").hidden) showProblem("There is no photo on the clipboard. Copy an image, not its address.");
});

for (const element of document.querySelectorAll("[data-example]")) {
  const button = /** @type {HTMLButtonElement} */ (element);
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
