// Import of a model: its safetensors file and the JSON beside it.
import { refusal } from "../lib/api.js";
import { make, part } from "../lib/dom.js";

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
      const response = await fetch("/api/v1/models/import", { method: "POST", body: new FormData(form) });
      const body = await response.json().catch(() => null);
      if (!response.ok) throw refusal(response.status, body);
      words.replaceChildren("Imported: ", make("a", { href: `/models/${body.id}`, text: body.title ?? body.id }), ". It has a row in the table now.");
      form.reset();
      done();
    } catch (error) {
      words.textContent = /** @type {Error} */ (error).message;
      words.classList.add("error");
    }
    button.disabled = false;
  });
}
