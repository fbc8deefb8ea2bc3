// A link to the very view.
import { part } from "../lib/dom.js";

/** @param {import("./view.js").ViewState} state */
export function bindShare(state) {
  part("share").addEventListener("click", async () => {
    state.remember();
    let words = "Copied";
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      words = "It is in the address bar"; // no clipboard without https
    }
    part("share-word").textContent = words;
    setTimeout(() => (part("share-word").textContent = "Copy link"), 2500);
  });
}
