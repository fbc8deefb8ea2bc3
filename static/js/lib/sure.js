// The one question before something that cannot be taken back.
import { make } from "./dom.js";

/** @typedef {{title: string, text: string, deed: string, keep?: string}} Question  `deed` and `keep`: its two buttons */

/** @type {HTMLDialogElement | null} */
let dialog = null;

/** @returns {HTMLDialogElement} */
function build() {
  const made = make(
    "dialog.sheet.ask", { "aria-labelledby": "sure-title", "aria-describedby": "sure-text" },
    make("h2", { id: "sure-title" }), make("p.small.muted", { id: "sure-text" }),
    make("form.ask-do", { method: "dialog" },
      make("button.button", { value: "no", autofocus: true }), make("button.button.danger", { value: "yes" })),
  );
  document.body.append(made);
  return made;
}

/** @param {Question} question @returns {Promise<boolean>} whether it is to be done */
export function sure({ title, text, deed, keep = "Keep it" }) {
  const asked = (dialog ??= build());
  const [heading, words] = asked.children;
  heading.textContent = title;
  words.textContent = text;
  const [no, yes] = asked.querySelectorAll("button");
  no.textContent = keep;
  yes.textContent = deed;
  asked.returnValue = "";
  asked.showModal();
  return new Promise((resolve) => {
    asked.addEventListener("close", () => resolve(asked.returnValue === "yes"), { once: true });
  });
}
