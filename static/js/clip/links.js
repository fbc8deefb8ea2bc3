// Downloads of what the player shows, and a link to the very view.
import { part } from "../lib/dom.js";

/**
 * @param {import("./view.js").View} view @param {import("./tools.js").Layer} layer
 */
export function showLinks(view, { model, stage, method }) {
  const look = {
    colormap: view.signed ? view.diverging : view.colours, alpha: String(view.opacity / 100), scale: view.scale,
  };
  for (const link of document.querySelectorAll("[data-layer-link]")) {
    const anchor = /** @type {HTMLAnchorElement} */ (link);
    const stream = anchor.dataset.layerLink ?? "rgb";
    anchor.search = new URLSearchParams({ model, stream, stage, method, ...look }).toString();
  }
  for (const link of document.querySelectorAll("[data-contact-sheet-link]")) {
    /** @type {HTMLAnchorElement} */ (link).search = new URLSearchParams({ stage, method, ...look }).toString();
  }
}

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
