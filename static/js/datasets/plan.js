// The plan of an import: what a person changed in it, sent to the server.
import { postJson } from "../lib/api.js";
import { attempt, part } from "../lib/dom.js";

/** @typedef {{folder: string, use?: string, class_name?: string}} Decision */

/** @param {HTMLElement} row of a folder @returns {Decision | null} null if nothing was changed */
function changed(row) {
  const name = /** @type {HTMLInputElement} */ (row.querySelector("[data-class]")).value.trim();
  const use = /** @type {HTMLSelectElement} */ (row.querySelector("[data-use]")).value;
  const { folder = "", was, classWas } = row.dataset;
  /** @type {Decision} */
  const decision = { folder };
  if (use !== was) decision.use = use || "left_out";
  if (name && name !== classWas) decision.class_name = name;
  return decision.use || decision.class_name ? decision : null;
}

function decisions() {
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-folder]")]);
  /** @type {Record<string, string>} */
  const conflicts = {};
  for (const set of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-conflict]"))) {
    const chosen = /** @type {HTMLInputElement | null} */ (set.querySelector("input:checked"));
    if (chosen?.value) conflicts[set.dataset.conflict ?? ""] = chosen.value;
  }
  return { folders: rows.map(changed).filter(Boolean), conflicts };
}

/** Let the page's plan be changed and confirmed. */
export function bindPlan() {
  const address = `${part("plan").dataset.plan}/confirm`;
  for (const select of document.querySelectorAll("[data-root]")) {
    select.addEventListener("change", () => {
      const { value } = /** @type {HTMLSelectElement} */ (select);
      for (const use of select.closest("li")?.querySelectorAll("[data-use]") ?? []) {
        /** @type {HTMLSelectElement} */ (use).value = value;
      }
    });
  }
  const send = async (/** @type {any} */ body) => {
    await postJson(address, body);
    location.reload();
  };
  part("encoding")?.addEventListener("change", (/** @type {any} */ event) =>
    attempt(part("encoding"), () => send({ encoding: event.target.value })));
  part("confirm")?.addEventListener("click", () => attempt(part("confirm"), () => send(decisions())));
}
