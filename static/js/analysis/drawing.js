// What all maps on a page share when they are drawn: colours, scale, size, and words instead of a map.
import { inWords, number } from "../lib/format.js";
import { hasSign, isEvidence, places, span, unit } from "../lib/scale.js";

/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {import("./view.js").View} View */
/**
 * @typedef {object} Look
 * @property {any} view               what the visitor has chosen
 * @property {Entry[]} all            every map on the page
 * @property {Uint32Array} lookup     the colours: one palette for all maps
 * @property {Map<Entry, [number, number]>} spans  found so far: they hold until the view changes
 */

/** @param {any} view @param {import("../lib/colours.js").Colours} colours @param {Entry[]} all @returns {Look} */
export function makeLook(view, colours, all) {
  const name = view.signed ? colours.known(view.diverging, "vik") : colours.known(view.colours, "inferno");
  return { view, all, lookup: colours.lookup(name, view.threshold / 100), spans: new Map() };
}

/** The values that the two ends of the colours stand for. @param {Entry} entry @param {Look} look @returns {[number, number]} */
export function spanOf(entry, look) {
  let range = look.spans.get(entry);
  if (!range) look.spans.set(entry, (range = span(entry, look.all, look.view.scale, look.view.signed)));
  return range;
}

/**
 * What darkness and full light stand for: only what speaks for the class is lit, of shares only
 * what is more than an even mask's.
 * @param {Entry} entry @param {Look} look @returns {[number, number]} equal where there is nothing to light
 */
export function litSpan(entry, look) {
  const [low, high] = span(entry, look.all, look.view.scale, false); // evidence against is dark, signed or not
  const even = ["share", "rollout"].includes(unit(entry)) ? 1 / places(entry) : low;
  const floor = Math.max(low, isEvidence(entry) ? 0 : even);
  return [floor, high - floor > 1e-4 * Math.abs(high) ? high : floor];
}

/** How the server is asked to draw what the page shows. @param {View} view @param {string[]} models the rows on show */
export const asDrawn = (view, models) => ({
  colormap: view.signed ? view.diverging : view.colours, alpha: String(view.opacity / 100), scale: view.scale,
  smooth: String(view.smooth), threshold: String(view.threshold / 100), models: models.join(), grey: "true",
});

/** Give a canvas the device pixels of its frame. @param {HTMLCanvasElement} canvas @param {HTMLElement} frame @returns {boolean} whether it changed */
export function fit(canvas, frame) {
  const ratio = Math.min(2, devicePixelRatio || 1);
  const width = Math.max(1, Math.round(frame.clientWidth * ratio));
  const height = Math.max(1, Math.round(frame.clientHeight * ratio));
  if (canvas.width === width && canvas.height === height) return false;
  [canvas.width, canvas.height] = [width, height];
  return true;
}

/**
 * What is said of a map that has nothing to show, at any time, or "".
 * @param {Entry} entry @param {View} view
 */
export function insteadOfMap(entry, view) {
  if (entry.missing) return entry.missing;
  if (!isEvidence(entry)) {
    const flat = entry.max - entry.min <= 1e-4 * Math.abs(entry.max);
    return flat && view.scale === "map" ? `Flat: ${number(entry.max)} everywhere` : "";
  }
  const visible = entry.max > 0 || (view.signed && hasSign(entry) && entry.min < 0);
  return visible ? "" : `No positive evidence${entry.record.target ? ` for ${inWords(entry.record.target)}` : ""}`;
}
