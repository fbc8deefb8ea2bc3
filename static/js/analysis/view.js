// What the visitor has chosen to see. It lives in the address, so that a link shows the same.
import { AddressState } from "../lib/address.js";

/**
 * @typedef {object} View  what the pages of photos and clips share; each adds its own keys
 * @property {"both" | "mask" | "cam"} show  methods of the table
 * @property {number} opacity    percent
 * @property {number} threshold  percent of the scale below which nothing is drawn
 * @property {string} colours    sequential colormap
 * @property {string} diverging  colormap of the signed view
 * @property {"map" | "row" | "shared" | "absolute"} scale
 * @property {boolean} signed    show evidence against as well
 * @property {boolean} smooth    bilinear; false: the map's own grid
 * @property {string} models     ids of the rows on show, in their order; empty: all
 */

/** @type {View} */
const DEFAULTS = {
  show: "both", opacity: 65, threshold: 0, colours: "inferno", diverging: "vik", scale: "map",
  signed: false, smooth: true, models: "",
};
export const SCALES = ["map", "row", "shared", "absolute"];

/**
 * The one changeable thing of a page.
 * @template {Record<string, any>} T
 * @param {T} defaults of the page's own keys @param {import("../lib/address.js").Rules} [rules]
 * @returns {AddressState<View & T>}
 */
export const makeViewState = (defaults, { choices, ...rules } = {}) =>
  new AddressState({ ...DEFAULTS, ...defaults }, {
    ...rules, choices: { show: ["both", "mask", "cam"], scale: SCALES, ...choices },
  });
