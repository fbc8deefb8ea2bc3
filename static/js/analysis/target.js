// Which class Grad-CAM explains: each model's own first, one of the best five, or any by search.
import { Combobox } from "../lib/combobox.js";
import { inWords, percent } from "../lib/format.js";

export const OWN_TOP = "top";
const OWN = "Each model’s own top class";

/** @param {number} index @param {any[]} cards @returns {string} the class of the first that has one */
export const className = (index, cards) => cards.find(({ classes }) => index < classes.length)?.classes[index] ?? OWN_TOP;

/**
 * @param {any[]} predictions of the models on show; those that abstain count if all do
 * @returns {{name: string, probability: number}[]} five best, by their mean probability
 */
function best(predictions) {
  const sure = predictions.filter(({ abstained }) => !abstained);
  if (sure.length > 0) predictions = sure;
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const { top } of predictions) {
    for (const { name, probability } of top) {
      sums.set(name, (sums.get(name) ?? 0) + probability / predictions.length);
    }
  }
  return [...sums]
    .map(([name, probability]) => ({ name, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, 5);
}

/**
 * @param {() => any[]} predictions @param {() => string[]} classes every class on offer now
 * @param {(name: string) => void} choose
 */
export function makeTarget(predictions, classes, choose) {
  const input = /** @type {HTMLInputElement} */ (document.querySelector("#target"));
  const list = /** @type {HTMLElement} */ (document.querySelector("#target-list"));
  /** @param {string} query @returns {import("../lib/combobox.js").Option[]} */
  const find = (query) => {
    const all = [...classes()].sort((a, b) => a.localeCompare(b));
    const found = all.filter((name) => inWords(name.toLowerCase()).includes(inWords(query)));
    if (query) return found.slice(0, 200).map((name) => ({ value: name, label: inWords(name) }));
    const top = best(predictions()).map(({ name, probability }) => ({
      value: name, label: inWords(name), note: percent(probability), group: "Best five, mean over the models",
    }));
    const rest = all.map((name) => ({ value: name, label: inWords(name), group: "All classes" }));
    return [{ value: OWN_TOP, label: OWN }, ...top, ...rest];
  };
  const combobox = new Combobox(input, list, find, choose);
  return (/** @type {string} */ name) => combobox.show(name === OWN_TOP ? OWN : inWords(name));
}
