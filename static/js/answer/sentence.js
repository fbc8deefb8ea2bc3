// The answer of a model in a sentence, and where it looked in another.
import { capital } from "../lib/format.js";
import { NOWHERE } from "./places.js";

const MANY = 100; // classes: who knows so many says what it may be, who knows few that it knows none
const [SURE, LIKELY] = [0.9, 0.5];
/** @type {Record<number, string>} */
const COUNTS = { 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten" };

/** @param {number} probability @returns {string} a whole percentage, never 0 or 100 */
export function whole(probability) {
  if (probability >= 0.995) return "over 99\u202f%";
  return probability < 0.01 ? "under 1\u202f%" : `${Math.round(100 * probability)}\u202f%`;
}

/** @param {string} name @returns {string} */
export const plain = (name) => name.replaceAll("_", " ");

/** @param {any} prediction @param {number} classes that the model knows @returns {boolean} whether it says that it knows none */
export const declines = (prediction, classes) => Boolean(prediction.abstained) && classes < MANY;

/** @param {any} prediction @param {number} classes that the model knows @returns {string} */
export function answerWords(prediction, classes) {
  const [best, next] = prediction.top;
  if (declines(prediction, classes)) return "None of what it knows.";
  if (prediction.abstained || best.probability < LIKELY) {
    const other = next ? ` or ${plain(next.name)} (${whole(next.probability)})` : "";
    return `Not sure: perhaps ${plain(best.name)} (${whole(best.probability)})${other}.`;
  }
  if (best.probability >= SURE) return `${capital(plain(best.name))}, ${whole(best.probability)} sure.`;
  return `Probably ${plain(best.name)} (${whole(best.probability)}).`;
}

/**
 * @param {string} place words of places.js @param {any} prediction @param {string} target that the map is evidence for, or ""
 * @returns {string}
 */
export function whereWords(place, prediction, target) {
  const other = target && target !== prediction.top[0].name ? plain(target) : "";
  if (place === NOWHERE) return `Nothing here speaks for “${plain(target || prediction.top[0].name)}”.`;
  const looked = place.startsWith("all over") ? `looked ${place}` : `looked at ${place}`;
  return other ? `For “${other}” it ${looked}.` : `It ${looked}.`;
}

/** What is said below of a model that knows none of it. @param {any} prediction @param {number} classes @returns {string} */
export const declineWords = ({ top }, classes) =>
  `It knows ${COUNTS[classes] ?? classes} things; this seems to be none of them. The nearest is ${plain(top[0].name)}.`;
