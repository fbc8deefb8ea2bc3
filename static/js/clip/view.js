// What the visitor has chosen to see of a clip. It lives in the address, as for a photo.
import { AddressState } from "../lib/address.js";

/**
 * @typedef {object} View
 * @property {"both" | "mask" | "cam"} show  cells of the table
 * @property {number} opacity    percent
 * @property {number} threshold  percent of the scale below which nothing is drawn
 * @property {string} colours    sequential colormap
 * @property {string} diverging  colormap of the signed view
 * @property {"map" | "row" | "shared" | "absolute"} scale
 * @property {boolean} signed    show evidence against as well
 * @property {boolean} smooth    bilinear; false: the map's own grid
 * @property {boolean} raw       the nearest snippet's map; false: mixed between two snippets
 * @property {boolean} arrows    arrows over the flow
 * @property {"clip" | "flow"} under  what lies below the flow stream's map in the player
 * @property {string} layer      of the player: "model.stage.method", or empty
 * @property {number} fusion     the flow stream's share of the weight in percent; -1: the models' own
 * @property {number} t          seconds
 * @property {number} rate       speed
 * @property {string} range      "from-to" in seconds, or empty
 */

/** @type {View} */
export const DEFAULTS = {
  show: "both", opacity: 65, threshold: 0, colours: "inferno", diverging: "vik", scale: "map",
  signed: false, smooth: true, raw: false, arrows: true, under: "clip", layer: "", fusion: -1,
  t: 0, rate: 1, range: "",
};

/** @type {Record<string, (string | number)[]>} */
const CHOICES = {
  show: ["both", "mask", "cam"], scale: ["map", "row", "shared", "absolute"],
  under: ["clip", "flow"], rate: [0.1, 0.25, 0.5, 1, 2],
};
const MOST = { t: 1e6, rate: 2 };

/**
 * Read an address; what makes no sense falls back to the default.
 * @param {string} search @returns {View}
 */
export function parse(search) {
  const query = new URLSearchParams(search);
  /** @type {any} */
  const view = { ...DEFAULTS };
  for (const [key, standard] of Object.entries(DEFAULTS)) {
    const text = query.get(key);
    if (text === null) continue;
    /** @type {any} */
    let value = text;
    if (typeof standard === "boolean") value = text === "1";
    else if (typeof standard === "number") value = between(Number(text), standard, MOST[key] ?? 100);
    if (!(key in CHOICES) || CHOICES[key].includes(value)) view[key] = value;
  }
  return view;
}

/** @param {number} value @param {number} otherwise @param {number} most @returns {number} */
function between(value, otherwise, most) {
  return Number.isFinite(value) ? Math.min(most, Math.max(0, value)) : otherwise;
}

/** @param {View} view @returns {string} only what differs from the default */
export function serialise(view) {
  const query = new URLSearchParams();
  for (const [key, standard] of Object.entries(DEFAULTS)) {
    const value = view[key];
    if (value === standard) continue;
    query.set(key, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** The one changeable thing of the page. @extends {AddressState<View>} */
export class ViewState extends AddressState {
  /** @param {string} search */
  constructor(search) {
    super(parse(search), serialise);
  }
}

/** @param {string} text "from-to" @returns {[number, number] | null} seconds */
export function parseRange(text) {
  const [from, to] = text.split("-").map(Number);
  return text && from >= 0 && to > from ? [from, to] : null;
}
