// What the visitor has chosen to see. It lives in the address, so that a link shows the same.
import { AddressState } from "../lib/address.js";

/**
 * @typedef {object} View
 * @property {"both" | "mask" | "cam"} show   columns within a stage
 * @property {number} opacity    percent
 * @property {number} threshold  percent of the scale below which nothing is drawn
 * @property {string} colours    sequential colormap
 * @property {string} diverging  colormap of the signed view
 * @property {"map" | "row" | "shared" | "absolute"} scale
 * @property {boolean} signed    show evidence against as well
 * @property {boolean} smooth    bilinear; false: the map's own grid
 * @property {string} channel    residual mask: mean, max, l2 or a channel's number
 * @property {string} cell       enlarged: "model.stage.method", or empty
 * @property {string} at         pinned cursor "x,y" in percent of the photo, or empty
 * @property {string} truth      true class, or empty
 * @property {string} target     class the Grad-CAM explains; empty: each model's own first
 * @property {string} cam        id of the analysis that holds the Grad-CAM for `target`
 * @property {string} head       id of the analysis with the ImageNet head, or empty
 */

/** @type {Record<keyof View, string>} how each is called in the address */
const NAMES = {
  show: "show", opacity: "opacity", threshold: "threshold", colours: "colours",
  diverging: "diverging", scale: "scale", signed: "signed", smooth: "smooth",
  channel: "channel", cell: "cell", at: "at", truth: "true", target: "target", cam: "cam",
  head: "head",
};

/** @type {View} */
export const DEFAULTS = {
  show: "both", opacity: 65, threshold: 0, colours: "inferno", diverging: "vik", scale: "map",
  signed: false, smooth: true, channel: "mean", cell: "", at: "", truth: "", target: "", cam: "",
  head: "",
};

const CHOICES = { show: ["both", "mask", "cam"], scale: ["map", "row", "shared", "absolute"] };

/**
 * Read an address; what makes no sense falls back to the default.
 * @param {string} search @returns {View}
 */
export function parse(search) {
  const query = new URLSearchParams(search);
  /** @type {any} */
  const view = { ...DEFAULTS };
  for (const [key, name] of Object.entries(NAMES)) {
    const text = query.get(name);
    if (text === null) continue;
    const standard = view[key];
    if (typeof standard === "boolean") view[key] = text === "1";
    else if (typeof standard === "number") view[key] = between(Number(text), standard);
    else if (!(key in CHOICES) || CHOICES[key].includes(text)) view[key] = text;
  }
  return view;
}

/** @param {number} value @param {number} otherwise @returns {number} */
function between(value, otherwise) {
  return Number.isFinite(value) ? Math.min(100, Math.max(0, value)) : otherwise;
}

/** @param {View} view @returns {string} only what differs from the default */
export function serialise(view) {
  const query = new URLSearchParams();
  for (const [key, name] of Object.entries(NAMES)) {
    const value = view[key];
    if (value === DEFAULTS[key]) continue;
    query.set(name, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
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
