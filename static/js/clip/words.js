// Sentences of the page of a clip.
import { number } from "../lib/format.js";
import { hasSign, isEvidence } from "../lib/scale.js";

/** The scale rule in one sentence. @type {Record<string, string>} */
export const RULES = {
  map: "Each track has one scale over the whole clip, so moments compare: Grad-CAM from 0 to its maximum, a mask from its minimum to its maximum.",
  row: "One scale along a row, over the whole clip: all tracks of a model that have the same method and unit share it, both streams too.",
  shared: "One scale over the table and the whole clip: all tracks that have the same method and unit share it.",
  absolute: "Fixed scales that compare between clips: shares to 8 times an even mask, gates from 0 to 1, Grad-CAM to 20 logits.",
};

/** @param {boolean} shares whether masks are shares of one whole @param {string} method in words */
export const energyWords = (shares, method) =>
  shares
    ? `Attention (${method}): how concentrated the shares are, by stream and stage; each lane from 0 to its own highest.`
    : `Attention (${method}): the mean of the map’s positive part, by stream and stage; each lane from 0 to its own highest.`;

/**
 * What is said where a track has nothing to show in all of the clip, or "".
 * @param {import("./tracks.js").Track} track @param {import("./view.js").View} view
 */
export function silence(track, view) {
  if (!isEvidence(track)) {
    const flat = track.max - track.min <= 1e-4 * Math.abs(track.max);
    return flat && view.scale === "map" ? `Flat: ${number(track.max)} everywhere` : "";
  }
  if ((view.signed && hasSign(track) && track.min < 0) || track.max > 0) return "";
  return "No positive evidence";
}
