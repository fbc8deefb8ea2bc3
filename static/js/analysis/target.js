// Which class Grad-CAM explains: each model's own first, one of the best five, or any by search.
import { Combobox } from "../lib/combobox.js";
import { inWords, percent } from "../lib/format.js";

/** @typedef {string | number | {class: string}} Target  as requests have it: "top", a name, an index; a class called "top" is {class: "top"} */

export const OWN_TOP = "top";
const OWN = "Each model’s own top class";

/** @param {string} name of a class, whatever it is @returns {Target} */
export const targetOf = (name) => (name === OWN_TOP ? { class: name } : name);

/** @param {string | {class: string}} target */
const nameOf = (target) => (typeof target === "object" ? target.class : target);

/** @param {Target} one @param {Target} other */
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * The class that a model is to explain, as app/db/targets.py has it.
 * @param {Target} target @param {string[]} classes that the model knows
 * @returns {string | null} "" for its own first; null where it does not know the class
 */
export function classIn(target, classes) {
  if (target === OWN_TOP) return "";
  if (typeof target === "number") return classes[target] ?? null;
  const name = nameOf(target);
  if (classes.includes(name)) return name;
  return classes.find((one) => one.toLowerCase() === name.toLowerCase()) ?? null;
}

/** @param {Target} target @returns {string} what is said of a model that does not know it */
export const lackingWords = (target) =>
  typeof target === "number" ? `has no class ${target}` : `does not know ${inWords(nameOf(target))}`;

/** An index as the class it is in every model, if that is one. @param {Target} target @param {any[]} cards @returns {Target} */
export function plainTarget(target, cards) {
  if (typeof target !== "number") return target;
  const names = new Set(cards.map(({ classes }) => classes[target]));
  return names.size === 1 && cards[0].classes[target] ? targetOf(cards[0].classes[target]) : target;
}

/** @param {Target} target @returns {string} */
export const titleOf = (target) =>
  target === OWN_TOP ? OWN : typeof target === "number" ? `Class ${target} of each model` : inWords(nameOf(target));

/** @typedef {{prediction: any, classes: string[]}} Answer  of a model, with the classes that it knows */

/**
 * @param {Answer[]} answers of the models on show; those that abstain count if all do
 * @returns {{name: string, probability: number, count: number}[]} five best, by their mean probability over the `count`
 *   models that know them; below a model's own best five it counts as 0
 */
function best(answers) {
  const sure = answers.filter(({ prediction }) => !prediction.abstained);
  const counted = sure.length > 0 ? sure : answers;
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const { name, probability } of counted.flatMap(({ prediction }) => prediction.top)) {
    sums.set(name, (sums.get(name) ?? 0) + probability);
  }
  return [...sums]
    .map(([name, sum]) => {
      const count = counted.filter(({ classes }) => classes.includes(name)).length || 1;
      return { name, probability: sum / count, count };
    })
    .sort((a, b) => b.probability - a.probability)
    .slice(0, 5);
}

/**
 * @param {any[]} cards of the models on show @param {(id: string) => any} predictionOf
 * @param {(target: Target) => void} choose
 * @returns {(target: Target) => void} shows what is explained
 */
export function makeTarget(cards, predictionOf, choose) {
  const input = /** @type {HTMLInputElement} */ (document.querySelector("#target"));
  const list = /** @type {HTMLElement} */ (document.querySelector("#target-list"));
  const all = [...new Set(cards.flatMap(({ classes }) => classes))].sort((a, b) => a.localeCompare(b));
  const option = (/** @type {string} */ name) => ({ value: targetOf(name), label: inWords(name) });
  /** @param {string} query @returns {import("../lib/combobox.js").Option[]} */
  const find = (query) => {
    const found = all.filter((name) => inWords(name.toLowerCase()).includes(inWords(query)));
    if (query) return found.slice(0, 200).map(option);
    const answers = cards.map(({ id, classes }) => ({ prediction: predictionOf(id), classes }));
    const top = best(answers.filter(({ prediction }) => prediction)).map(({ name, probability, count }) => ({
      ...option(name), note: `${percent(probability)}, ${count} ${count === 1 ? "model" : "models"}`,
      group: "Best five, mean over those that know it",
    }));
    return [{ value: OWN_TOP, label: OWN }, ...top, ...all.map((name) => ({ ...option(name), group: "All classes" }))];
  };
  const combobox = new Combobox(input, list, find, choose);
  return (target) => combobox.show(titleOf(target));
}
