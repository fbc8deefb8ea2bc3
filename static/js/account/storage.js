// What takes space: an admin deletes an upload, or everything of an owner.
import { getJson } from "../lib/api.js";
import { attempt } from "../lib/dom.js";
import { sure } from "../lib/sure.js";
import "./times.js";

for (const element of document.querySelectorAll("[data-remove]")) {
  const button = /** @type {HTMLButtonElement} */ (element);
  const { remove = "", name, text = "" } = button.dataset;
  button.addEventListener("click", async () => {
    if (!(await sure({ title: `Delete ${name}?`, text, deed: "Delete" }))) return;
    if (await attempt(button, () => getJson(remove, { method: "DELETE" }))) location.reload();
  });
}
