// The menu of downloads. A figure is drawn by a worker first, which may take some seconds.
import { refusal, sleep } from "../lib/api.js";
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

const TRIES = 40; // a drawn clip takes longer than a figure

/** Fetch a figure, as often as the server asks to come back. @param {string} address */
async function fetchFigure(address) {
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(address);
    if (response.ok) return response.blob();
    const error = refusal(response.status, await response.json().catch(() => null));
    if (response.status !== 503 || tries >= TRIES) throw error;
    await sleep(1000 * (Number(response.headers.get("Retry-After")) || 2));
  }
}

/** @param {HTMLAnchorElement} link @param {string} name */
async function drawAndSave(link, name) {
  if (link.hasAttribute("aria-busy")) return;
  const words = link.textContent;
  link.setAttribute("aria-busy", "true");
  link.textContent = "Drawing…";
  try {
    save(await fetchFigure(link.href), name);
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
