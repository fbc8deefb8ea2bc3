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
const DEFAULTS = {
  show: "both", opacity: 65, threshold: 0, colours: "inferno", diverging: "vik", scale: "map",
  signed: false, smooth: true, raw: false, arrows: true, under: "clip", layer: "", fusion: -1,
  t: 0, rate: 1, range: "",
};

/** @typedef {AddressState<View>} ViewState  the one changeable thing of the page */

/** @returns {ViewState} */
export const makeViewState = () => new AddressState(DEFAULTS, {
  choices: {
    show: ["both", "mask", "cam"], scale: ["map", "row", "shared", "absolute"],
    under: ["clip", "flow"], rate: [0.1, 0.25, 0.5, 1, 2],
  },
  limits: { t: [0, 1e6], rate: [0, 2] },
});

/** @param {string} text "from-to" @returns {[number, number] | null} seconds */
export function parseRange(text) {
  const [from, to] = text.split("-").map(Number);
  return text && from >= 0 && to > from ? [from, to] : null;
}
