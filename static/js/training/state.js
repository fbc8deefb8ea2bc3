// What the visitor has chosen to see in a study. It lives in the address: a link shows the same.
import { AddressState } from "../lib/address.js";

/** @typedef {typeof DEFAULTS} Shown */
const DEFAULTS = {
  train: true, val: true, log: false, smooth: 90, from: 0, to: 0, hidden: "",
  epoch: 0, method: "attention", stage: "late", opacity: 65, colours: "inferno", scale: "map",
  grid: false, seed: "", run: "",
};

/** @typedef {AddressState<Shown>} ShownState */

/** @returns {ShownState} */
export const makeShownState = () => new AddressState(DEFAULTS, {
  choices: { stage: ["early", "medium", "late", "combined"], scale: ["map", "row", "shared", "absolute"] },
  limits: { epoch: [0, 1e6], from: [0, 1e9], to: [0, 1e9], smooth: [0, 99] },
});
