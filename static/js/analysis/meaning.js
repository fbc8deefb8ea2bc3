// What a map's numbers mean, in one or two sentences.
import { capital, inWords, number } from "../lib/format.js";
import { places, unit } from "../lib/scale.js";

/** Reductions of a residual mask. @type {Record<string, string>} */
const CHANNELS = {
  mean: "The mean of the soft mask M over its channels.",
  max: "The largest of the soft mask M’s channels at each place.",
  l2: "The L2 norm of the soft mask M over its channels at each place.",
};

/** @param {import("./store.js").Entry} entry @param {string} mechanism @returns {string} */
export function meaning(entry, mechanism) {
  const size = places(entry);
  const even = number(1 / size);
  const words = {
    combined: "The three stages’ maps, each scaled to 0–1, averaged. It has no unit: compare places, not photos.",
    evidence: `How much each place speaks for “${inWords(entry.record.target ?? "the class")}” (positive) or against it (negative). Times ${size} places, it is in units of the logit.`,
    rollout: `Which part of the attention reaches each place through all layers. Even would be ${even} everywhere.`,
    share: `Shares of one whole: all ${size} places sum to 1. An even mask would hold ${even} everywhere.`,
    gate: "A gate at each place: 0 shuts it, 1 lets everything through.",
  }[unit(entry)];
  if (unit(entry) !== "gate" || mechanism !== "residual") return words;
  const { channel = "mean" } = entry;
  return `${CHANNELS[channel] ?? `${capital("channel")} ${channel} of the soft mask M.`} The trunk is multiplied by 1 + M.`;
}
