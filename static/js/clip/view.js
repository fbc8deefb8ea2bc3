// What the visitor has chosen to see of a clip, beside what every page has.
import { makeViewState as make } from "../analysis/view.js";
import { DRAWN } from "../answer/lead.js";

export const RATES = [0.1, 0.25, 0.5, 1, 2];

const DEFAULTS = {
  raw: false, // the nearest snippet's map; false: mixed between two snippets
  arrows: true, // over the flow
  under: "clip", // or "flow": what lies below the flow stream's map in the player
  layer: "", // of the large view and the player: "model.stage.method"
  drawn: "light", // the large view: as light or as heat
  fusion: -1, // the flow stream's share of the weight in percent; -1: the models' own
  t: 0, // seconds
  rate: 1, // speed
  range: "", // "from-to" in seconds
};

/** @typedef {import("../analysis/view.js").View & typeof DEFAULTS} View */
/** @typedef {import("../lib/address.js").AddressState<View>} ViewState */

/** @returns {ViewState} */
export const makeViewState = () => make(DEFAULTS, {
  choices: { under: ["clip", "flow"], rate: RATES, drawn: DRAWN }, limits: { t: [0, 1e6], rate: [0, 2] },
});

/** @param {string} text "from-to" @returns {[number, number] | null} seconds */
export function parseRange(text) {
  const [from, to] = text.split("-").map(Number);
  return text && from >= 0 && to > from ? [from, to] : null;
}
