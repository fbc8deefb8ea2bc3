// The menu of downloads. A figure is drawn by a worker first, which may take some seconds.
import { load } from "../lib/api.js";
import { data, part, save } from "../lib/dom.js";
import { asDrawn } from "./drawing.js";
import { showProblem } from "./status.js";

const links = /** @type {NodeListOf<HTMLAnchorElement>} */ (
  document.querySelectorAll("[data-figure]")
);

/**
 * Figures and the pictures of the ZIP are drawn as the page shows the maps.
 * @param {import("./view.js").View} view @param {string[]} models the rows on show
 * @param {(link: HTMLAnchorElement) => Record<string, string>} of what of the analysis a file shows
 */
export function showDownloads(view, models, of) {
  const search = (/** @type {any} */ what) => new URLSearchParams({ ...what, ...asDrawn(view, models) }).toString();
  for (const link of links) link.search = search(of(link));
  part("zip").search = search({ ...of(part("zip")), drawn: "true" });
}

const TRIES = 40; // as often as the server asks to come back: a drawn clip takes longer than a figure

/** @param {HTMLAnchorElement} link @param {string} name */
async function drawAndSave(link, name) {
  if (link.hasAttribute("aria-busy")) return;
  const words = link.textContent;
  link.setAttribute("aria-busy", "true");
  link.textContent = "Drawing…";
  try {
    save(await load(link.href, {}, "blob", TRIES), name);
  } catch (error) {
    showProblem(/** @type {Error} */ (error).message);
  }
  link.textContent = words;
  link.removeAttribute("aria-busy");
}

export function bindDownloads() {
  for (const link of links) {
    const ending = link.pathname.slice(link.pathname.lastIndexOf("."));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      drawAndSave(link, `sightline-${data.analysis.id.slice(0, 8)}${ending}`);
    });
  }
}
