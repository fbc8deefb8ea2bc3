// Putting a finished run into the table of models: under which name, with which title.
import { postJson } from "../lib/api.js";
import { API, attempt, part } from "../lib/dom.js";

/**
 * Ask how the model is to be called, and publish it.
 * @param {any} run @param {string} standard its title if none is given
 * @returns {Promise<string>} the model's name, or nothing where the admin thought better of it
 */
export function askAndPublish(run, standard) {
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
    let name = "";
    form.onsubmit = (event) => {
      if (/** @type {SubmitEvent} */ (event).submitter?.getAttribute("value") === "no") return;
      event.preventDefault();
      if (form.reportValidity()) send();
    };
    dialog.onclose = () => resolve(name);
    async function send() {
      /** @type {Record<string, string>} */
      const body = {};
      for (const key of ["model_id", "title"]) if (field(key).value.trim()) body[key] = field(key).value.trim();
      await attempt(part("publish-send"), async () => {
        try {
          name = (await postJson(`${API}/training-runs/${run.id}/publish`, body)).id;
          dialog.close();
        } catch (error) {
          refuse(/** @type {Error} */ (error).message);
        }
      });
    }
  });
}
