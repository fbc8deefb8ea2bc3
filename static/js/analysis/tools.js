// The tool bar: its fields follow the view, the view follows its fields and the keys.
import { bindFields, showFields } from "../lib/fields.js";
import { part } from "../lib/dom.js";
import { SCALES } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("../lib/address.js").AddressState<any>} ViewState */
/** @typedef {import("../lib/colours.js").Colours} Colours */

export const form = /** @type {HTMLFormElement} */ (part("tools"));
const colourField = /** @type {HTMLSelectElement} */ (part("colours"));

/** @param {View} view @param {Colours} colours */
export function showTools(view, colours) {
  showFields(form, view);
  const kind = view.signed ? "diverging" : "sequential"; // one list: that of the signed view while it is on
  if (colourField.dataset.kind !== kind) {
    colourField.dataset.kind = kind;
    colourField.replaceChildren(...colours.names(kind).map((name) => new Option(colours.maps[name].title, name)));
  }
  colourField.value = view.signed ? view.diverging : view.colours;
}

/** @param {ViewState} state */
export function bindTools(state) {
  bindFields(form, state);
  colourField.addEventListener("input", () => state.set({ [state.now.signed ? "diverging" : "colours"]: colourField.value }));
}

/** @template T @param {T[]} list @param {T} now @returns {T} */
const after = (list, now) => list[(list.indexOf(now) + 1) % list.length];

/** @param {ViewState} state @param {string} name @returns {() => void} switches a key of the view */
export const flip = (state, name) => () => state.set({ [name]: !state.now[name] });

/** @param {ViewState} state @param {string} name of a percentage @param {number} by @returns {() => void} */
export const nudge = (state, name, by) => () =>
  state.set({ [name]: Math.min(100, Math.max(0, state.now[name] + by)) });

/**
 * What single keys do to the view of every page.
 * @param {ViewState} state @param {Colours} colours @returns {Record<string, () => void>}
 */
export function toolKeys(state, colours) {
  const nextColours = () => {
    const [key, kind] = state.now.signed ? ["diverging", "diverging"] : ["colours", "sequential"];
    state.set({ [key]: after(colours.names(/** @type {any} */ (kind)), state.now[key]) });
  };
  return {
    b: () => state.set({ show: "both" }),
    m: () => state.set({ show: "mask" }),
    g: () => state.set({ show: "cam" }),
    "[": nudge(state, "opacity", -5),
    "]": nudge(state, "opacity", 5),
    c: nextColours,
    s: () => state.set({ scale: after(SCALES, state.now.scale) }),
    n: flip(state, "signed"),
    t: () => /** @type {HTMLElement} */ (form.querySelector("#target")).focus(),
  };
}
