// What the visitor has chosen to see in a study. It lives in the address: a link shows the same.
import { AddressState } from "../lib/address.js";

/** @typedef {typeof DEFAULTS} Shown */
export const DEFAULTS = {
  train: true, val: true, log: false, smooth: 90, from: 0, to: 0, hidden: "",
  epoch: 0, method: "attention", stage: "late", opacity: 65, colours: "inferno", scale: "map",
  grid: false, seed: "", run: "",
};

const CHOICES = {
  stage: ["early", "medium", "late", "combined"], scale: ["map", "row", "shared", "absolute"],
};
const LIMITS = { smooth: [0, 99], opacity: [0, 100], epoch: [0, 1e6], from: [0, 1e9], to: [0, 1e9] };

/** @param {string} search @returns {Shown} what makes no sense falls back to the default */
export function parse(search) {
  const query = new URLSearchParams(search);
  /** @type {any} */
  const shown = { ...DEFAULTS };
  for (const [key, standard] of Object.entries(DEFAULTS)) {
    const text = query.get(key);
    if (text === null) continue;
    if (typeof standard === "boolean") shown[key] = text === "1";
    else if (typeof standard === "number") {
      const value = Number(text);
      const [low, high] = LIMITS[key];
      if (Number.isFinite(value)) shown[key] = Math.min(high, Math.max(low, value));
    } else if (!(key in CHOICES) || CHOICES[key].includes(text)) shown[key] = text;
  }
  return shown;
}

/** @param {Shown} shown @returns {string} only what differs from the default */
export function serialise(shown) {
  const query = new URLSearchParams();
  for (const [key, standard] of Object.entries(DEFAULTS)) {
    const value = shown[key];
    if (value !== standard) query.set(key, typeof value === "boolean" ? (value ? "1" : "0") : String(value));
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** @extends {AddressState<Shown>} */
export class ShownState extends AddressState {
  /** @param {string} search */
  constructor(search) {
    super(parse(search), serialise);
  }
}
