// Putting a network into the table of models: a run, under which id, or an import; with which title.
import { postJson } from "./api.js";
import { attempt, part } from "./dom.js";

/**
 * Ask how the model is to be called, and publish it.
 * @param {string} address of the run or the import @param {string} standard its title if none is given
 * @returns {Promise<any>} the model, or null where the admin thought better of it
 */
export function askAndPublish(address, standard) {
  const dialog = /** @type {HTMLDialogElement} */ (part("publish"));
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));
  const problem = part("publish-problem");
  const refuse = (/** @type {string} */ words) => {
    problem.textContent = words;
    problem.hidden = !words;
  };
  form.reset();
  refuse("");
  field("title").placeholder = standard;
  dialog.showModal();
  return new Promise((resolve) => {
    /** @type {any} */
    let model = null;
    form.onsubmit = (event) => {
      if (/** @type {SubmitEvent} */ (event).submitter?.getAttribute("value") === "no") return;
      event.preventDefault();
      if (form.reportValidity()) send();
    };
    dialog.onclose = () => resolve(model);
    async function send() {
      /** @type {Record<string, string>} */
      const body = {};
      for (const key of ["model_id", "title"]) {
        const value = field(key)?.value.trim();
        if (value) body[key] = value;
      }
      await attempt(part("publish-send"), async () => {
        try {
          model = await postJson(`${address}/publish`, body);
          dialog.close();
        } catch (error) {
          refuse(/** @type {Error} */ (error).message);
        }
      });
    }
  });
}

/**
 * The title that the server gives by itself, unless it is taken; as in app/training/titles.py.
 * @param {string} what the mechanism's title @param {string} dataset @returns {string} "CBAM, flowers, 27 Nov 2026"
 */
export function titleOf(what, dataset) {
  const today = new Date();
  const month = today.toLocaleString("en-US", { month: "short", timeZone: "UTC" });
  return `${what}, ${dataset.replaceAll("_", " ").slice(0, 60)}, ${today.getUTCDate()} ${month} ${today.getUTCFullYear()}`;
}
