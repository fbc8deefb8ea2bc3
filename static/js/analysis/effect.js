// Whether a learnt mask matters: what the answer would be with an even mask, or a blob, in its place.
import { inWords } from "../lib/format.js";

/** @typedef {{probability_change: number, answer_changed: boolean}} Effect */
/** @typedef {{target: string, if_even: Effect, if_blob: Effect}} Evidence */

/** Whole points of probability, with a sign. @param {Effect} effect @returns {string} "" if there are none */
function points({ probability_change: change }) {
  const whole = Math.round(100 * Math.abs(change));
  return whole === 0 ? "" : `${change < 0 ? "−" : "+"}${whole}`;
}

/** Below a cell, the longest first. @param {Evidence | null | undefined} evidence @returns {string[]} */
export function effectTexts(evidence) {
  if (!evidence) return [];
  const effect = evidence.if_even;
  const change = points(effect);
  if (effect.answer_changed) {
    const shorter = ["if even: another answer", "another answer"];
    return change ? [`if even: ${change} points, another answer`, ...shorter] : shorter;
  }
  return change ? [`if even: ${change} points`, `if even: ${change} pts`, `even: ${change}`] : ["if even: no effect", "no effect"];
}

/** In a sentence's place. @param {Evidence} evidence @param {"if_even" | "if_blob"} edit @returns {string} */
export function effectWords(evidence, edit) {
  const [effect, target] = [evidence[edit], inWords(evidence.target)];
  const change = points(effect);
  const much = change ? `${target} ${change} ${change.slice(1) === "1" ? "point" : "points"}` : `${target} as sure as before`;
  return `${much}, ${effect.answer_changed ? "and another answer" : "the same answer"}`;
}
