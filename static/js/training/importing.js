// Import of a model: its safetensors file and the JSON beside it.
import { getJson } from "../lib/api.js";
import { API, make, part } from "../lib/dom.js";

/** @param {() => void} done */
export function bindImport(done) {
  const form = /** @type {HTMLFormElement | null} */ (part("import"));
  const words = part("import-words");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = part("import-button");
    button.disabled = true;
    words.textContent = "Sending and checking the model…";
    words.classList.remove("error");
    try {
      const body = await getJson(`${API}/models/import`, { method: "POST", body: new FormData(form) });
      words.replaceChildren("Imported: ", make("a", { href: `/models/${body.id}`, text: body.title ?? body.id }), ". Only you and admins see it, until it is published on its page.");
      form.reset();
      done();
    } catch (error) {
      words.textContent = /** @type {Error} */ (error).message;
      words.classList.add("error");
    }
    button.disabled = false;
  });
}
