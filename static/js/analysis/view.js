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

/** @type {View} */
const DEFAULTS = {
  show: "both", opacity: 65, threshold: 0, colours: "inferno", diverging: "vik", scale: "map",
  signed: false, smooth: true, channel: "mean", cell: "", at: "", truth: "", target: "", cam: "",
  head: "",
};

/** @typedef {AddressState<View>} ViewState  the one changeable thing of the page */

/** @returns {ViewState} */
export const makeViewState = () => new AddressState(DEFAULTS, {
  names: { truth: "true" },
  choices: { show: ["both", "mask", "cam"], scale: ["map", "row", "shared", "absolute"] },
});
