// A link to the very view: on the clipboard, or where that is not allowed in a field to copy from.
import { part } from "../lib/dom.js";

const SAID_MS = 2500;

/** @param {{remember: () => void}} state writes the view into the address */
export function bindShare(state) {
  const [button, word, field] = [part("share"), part("share-word"), part("share-link")];
  const hide = () => (field.hidden = true);
  let timer = 0;

  function copied() {
    word.textContent = "Link copied";
    part("share-said").textContent = "Link copied";
    clearTimeout(timer);
    timer = setTimeout(() => {
      word.textContent = "Copy link";
      part("share-said").textContent = "";
    }, SAID_MS);
  }

  function offer() {
    field.hidden = false;
    field.value = location.href;
    field.focus();
    field.select();
  }

  button.addEventListener("click", async () => {
    state.remember();
    try {
      await navigator.clipboard.writeText(location.href);
      copied();
    } catch {
      offer(); // there is no clipboard without https, or it is forbidden
    }
  });
  field.addEventListener("blur", hide);
  field.addEventListener("copy", copied);
  field.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    hide();
    button.focus();
  });
}
