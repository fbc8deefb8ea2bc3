// The answer of a model in a sentence, with what the others say where it is unsure; and where it looked.
import { abstention, capital, inWords } from "../lib/format.js";
import { NOWHERE } from "./places.js";

const MANY = 100; // classes: who knows so many says what it may be, who knows few that it knows none
const [SURE, LIKELY] = [0.9, 0.5];
const FEW = 2; // others: one alone is no chorus
const COUNTS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** @param {number} probability @returns {string} a whole percentage, never 0 or 100 */
export function whole(probability) {
  if (probability >= 0.995) return "over 99\u202f%";
  return probability < 0.01 ? "under 1\u202f%" : `${Math.round(100 * probability)}\u202f%`;
}

/** The same where there is little room. @param {number} probability @returns {string} */
export const brief = (probability) => whole(probability).replace("over ", ">\u202f").replace("under ", "<\u202f");

/** @param {any} prediction @param {number} classes that the model knows @returns {boolean} whether it says that it knows none */
export const declines = (prediction, classes) => prediction.abstained && classes < MANY;

/**
 * An unsure answer counts as likely if every other model that knows this class says it too; what all
 * others say instead is told beside it. Its class and its abstention stay what they are.
 * @param {any} prediction @param {string[]} classes that the model knows
 * @param {{prediction: any, classes: string[]}[]} [others] the other models on show @returns {string}
 */
export function answerWords(prediction, classes, others = []) {
  const [best, next] = prediction.top;
  const [name, share] = [inWords(best.name), whole(best.probability)];
  if (declines(prediction, classes.length)) return "None of what it knows.";
  if (prediction.abstained || best.probability < LIKELY) {
    const knowing = others.filter((one) => one.classes.includes(best.name));
    if (!prediction.abstained && oneVoice(knowing) === best.name) {
      return `Probably ${name} (${share}): ${everyone(knowing, others)} say so too.`;
    }
    const answering = others.filter((one) => !one.prediction?.abstained);
    const said = oneVoice(answering);
    if (said !== best.name && classes.includes(said)) {
      return `Not sure: perhaps ${name} (${share}). ${capital(everyone(answering, others))} say ${inWords(said)}.`;
    }
    return `Not sure: perhaps ${name} (${share})${next ? ` or ${inWords(next.name)} (${whole(next.probability)})` : ""}.`;
  }
  if (best.probability >= SURE) return `${capital(name)}, ${share} sure.`;
  return `Probably ${name} (${share}).`;
}

/** @param {{prediction: any}[]} models @returns {string} the class that all of them say, or "" */
function oneVoice(models) {
  const said = new Set(models.map(({ prediction }) => (prediction && !prediction.abstained ? prediction.top[0].name : "")));
  return models.length >= FEW && said.size === 1 ? [...said][0] : "";
}

/** @param {any[]} models that say the same @param {any[]} others all of them */
function everyone({ length }, others) {
  if (length < others.length) return `${COUNTS[length] ?? length} others`;
  return length === 2 ? "both others" : `all ${COUNTS[length] ?? length} others`;
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
