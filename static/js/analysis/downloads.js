// The menu of downloads. A figure is drawn by a worker first, which may take some seconds.
import { refusal, sleep } from "../lib/api.js";
import { part, save } from "../lib/dom.js";
import { asDrawn } from "./drawing.js";
import { showProblem } from "./status.js";

const links = /** @type {NodeListOf<HTMLAnchorElement>} */ (
  document.querySelectorAll("[data-figure]")
);

/**
 * Figures are drawn as the page shows the maps.
 * @param {import("./view.js").View} view
 * @param {(link: HTMLAnchorElement) => Record<string, string>} [of] what of the analysis a figure shows
 */
export function showDownloads(view, of = () => ({})) {
  for (const link of links) link.search = new URLSearchParams({ ...of(link), ...asDrawn(view) }).toString();
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

/** The menu closes with Escape and with a click elsewhere, as menus do. @param {any} analysis */
export function bindDownloads(analysis) {
  const menu = /** @type {HTMLDetailsElement} */ (part("menu"));
  document.addEventListener("click", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  for (const link of links) {
    const ending = link.pathname.slice(link.pathname.lastIndexOf("."));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      drawAndSave(link, `sightline-${analysis.id.slice(0, 8)}${ending}`);
    });
  }
}
