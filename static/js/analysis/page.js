// What the pages of photos and clips have in common: header, tool bar, keys, and the words of the scale.
import { getJson, persist } from "../lib/api.js";
import { Colours } from "../lib/colours.js";
import { data, part } from "../lib/dom.js";
import { bindDrops } from "../lib/drops.js";
import { shortcuts } from "../lib/keys.js";
import { isLearnt } from "../lib/scale.js";
import { bindDownloads } from "./downloads.js";
import { bindShare } from "./share.js";
import { bindStatus } from "./status.js";
import { bindTools, showTools, toolKeys } from "./tools.js";

/** @typedef {import("./view.js").View} View */

export const root = /** @type {HTMLElement} */ (part("analysis"));
export const colours = new Colours((await persist(() => getJson(data.urls.colormaps))).maps);
/** The method of the table's second column: evidence for a class. @type {{name: string, title: string}} */
export const evidence = data.methods.find((one) => one.kind === "evidence") ?? { name: "gradcam", title: "Grad-CAM" };

/** @param {string} method @returns {boolean} whether its maps are for or against a class */
export const isEvidenceMethod = (method) => !isLearnt({ method }) && data.methods.some((one) => one.name === method && one.kind === "evidence");

/** @param {View} view @param {Record<string, string>} rules the words of each scale */
export function showPage(view, rules) {
  root.dataset.show = view.show;
  root.style.setProperty("--opacity", String(view.opacity / 100));
  const signed = view.signed ? " Signed: evidence against is drawn too, evenly around 0; masks and combined maps take the half of the colours that is for." : "";
  part("rule").textContent = `Scale: ${rules[view.scale]}${signed}`;
  showTools(view, colours);
}

/** @param {import("./tools.js").ViewState} state @param {Record<string, () => any>} keys the page's own */
export function bindPage(state, keys) {
  bindDrops(); // before the shortcuts: Escape closes a popover first
  const help = () => part("shortcuts").showModal();
  shortcuts({ ...toolKeys(state, colours), ...keys, "?": help });
  part("help").addEventListener("click", help);
  bindTools(state);
  part("adjust").addEventListener("toggle", leaveStrip);
  bindStatus();
  bindDownloads();
  bindShare(state);
  for (const name of ["tools", "transport"]) {
    if (part(name)) showHeight(name);
  }
}

/** Let the style sheet know the height of a bar that stays in sight. @param {string} name */
function showHeight(name) {
  new ResizeObserver(([entry]) => {
    root.style.setProperty(`--${name}`, `${Math.floor(entry.borderBoxSize[0].blockSize)}px`);
  }).observe(part(name));
}

/** On a phone the sheet of controls leaves maps in sight above it. */
function leaveStrip() {
  if (innerWidth > 900 || !part("adjust").open) return;
  const strip = part("tools").getBoundingClientRect().top - part("adjust").querySelector(".drop-list").offsetHeight;
  const seen = [...root.querySelectorAll(".frame canvas")].some((canvas) => {
    const { top, bottom, height } = canvas.getBoundingClientRect();
    return height > 0 && Math.min(bottom, strip) - Math.max(top, 0) > Math.min(height, strip) / 2;
  });
  if (!seen) (part("panes") ?? part("grid")).scrollIntoView({ block: "start" });
}
