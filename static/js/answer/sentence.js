// The answer of a model in a sentence, and where it looked in another.
import { abstention, capital, inWords } from "../lib/format.js";
import { NOWHERE } from "./places.js";

const MANY = 100; // classes: who knows so many says what it may be, who knows few that it knows none
const [SURE, LIKELY] = [0.9, 0.5];

/** @param {number} probability @returns {string} a whole percentage, never 0 or 100 */
export function whole(probability) {
  if (probability >= 0.995) return "over 99\u202f%";
  return probability < 0.01 ? "under 1\u202f%" : `${Math.round(100 * probability)}\u202f%`;
}

/** The same where there is little room. @param {number} probability @returns {string} */
export const brief = (probability) => whole(probability).replace("over ", ">\u202f").replace("under ", "<\u202f");

/** @param {any} prediction @param {number} classes that the model knows @returns {boolean} whether it says that it knows none */
export const declines = (prediction, classes) => prediction.abstained && classes < MANY;

/** @param {any} prediction @param {number} classes that the model knows @returns {string} */
export function answerWords(prediction, classes) {
  const [best, next] = prediction.top;
  if (declines(prediction, classes)) return "None of what it knows.";
  if (prediction.abstained || best.probability < LIKELY) {
    const other = next ? ` or ${inWords(next.name)} (${whole(next.probability)})` : "";
    return `Not sure: perhaps ${inWords(best.name)} (${whole(best.probability)})${other}.`;
  }
  if (best.probability >= SURE) return `${capital(inWords(best.name))}, ${whole(best.probability)} sure.`;
  return `Probably ${inWords(best.name)} (${whole(best.probability)}).`;
}

/**
 * @param {string} place words of places.js @param {any} prediction @param {string} target that the map is evidence for, or ""
 * @returns {string}
 */
export function whereWords(place, prediction, target) {
  const other = target && target !== prediction.top[0].name ? inWords(target) : "";
  if (place === NOWHERE) return `Nothing here speaks for “${inWords(target || prediction.top[0].name)}”.`;
  const looked = place.startsWith("all over") ? `looked ${place}` : `looked at ${place}`;
  return other ? `For “${other}” it ${looked}.` : `It ${looked}.`;
}

/** What is said below of a model that knows none of it. @param {any} prediction @param {number} classes @returns {string} */
export const declineWords = ({ top }, classes) =>
  `It ${abstention(classes)}. The nearest is ${inWords(top[0].name)}.`;
