// Which values the two ends of a colormap stand for; the same rules as app/web/analyses/drawing/scale.py.

/** Top of the absolute scale times a map's places: of an even map, or in logits. @type {Record<string, number>} */
const TOPS = { share: 8, rollout: 8, evidence: 20 };

/**
 * @typedef {object} Entry  one map as the table shows it
 * @property {string} model
 * @property {string} stage
 * @property {string} method
 * @property {any} record           Heatmap or Track JSON: its unit, target and shape are read here
 * @property {import("./maps.js").Grid | null} grid  null while it is on its way
 * @property {number} min
 * @property {number} max
 */

/** Whether a cell is of a mask's column. @param {{method: string}} entry @returns {boolean} */
export const isLearnt = (entry) => entry.method.startsWith("attention");

/** What the numbers are. @param {Entry} entry @returns {"share" | "gate" | "evidence" | "rollout" | "combined"} */
export const unit = (entry) => entry.record.unit;

/** For or against a class; else what the model weighs by. @param {Entry} entry @returns {boolean} */
export const isEvidence = (entry) => Boolean(entry.record.target);

/** Masks and combined maps have no evidence against. @param {Entry} entry @returns {boolean} */
export const hasSign = (entry) => unit(entry) === "evidence";

/** @param {Entry} entry @returns {number} places of the map */
export const places = (entry) => entry.record.shape.at(-1) * entry.record.shape.at(-2);

/**
 * @param {Entry} entry @param {Entry[]} all every map of the table @param {string} rule
 * @param {boolean} signed evidence against as well
 * @returns {[number, number]}
 */
export function span(entry, all, rule, signed) {
  const [low, high] = rule === "absolute" ? absolute(entry) : relative(entry, all, rule, signed);
  if (!signed) return [low, high];
  if (!hasSign(entry)) return [2 * low - high, high]; // the upper half of the colours: nothing lies below its least
  const reach = Math.max(Math.abs(low), Math.abs(high));
  return [-reach, reach];
}

/** @param {Entry} entry @returns {[number, number]} */
function absolute(entry) {
  const top = TOPS[unit(entry)];
  return [0, top === undefined ? 1 : top / places(entry)];
}

/**
 * @param {Entry} entry @param {Entry[]} all @param {string} rule @param {boolean} signed
 * @returns {[number, number]}
 */
function relative(entry, all, rule, signed) {
  const group = rule === "map" ? [entry] : [entry, ...all.filter((other) => sharesWith(entry, other, rule))];
  const low = Math.min(...group.map((one) => one.min));
  const high = Math.max(...group.map((one) => one.max));
  return isEvidence(entry) && !(signed && hasSign(entry)) ? [0, Math.max(high, 0)] : [low, high];
}

/** Only maps in the same unit can share a scale. @param {Entry} a @param {Entry} b @param {string} rule */
function sharesWith(a, b, rule) {
  return a.method === b.method && unit(a) === unit(b) && (rule === "shared" || a.model === b.model);
}

/** The rule in one sentence, for the page. @type {Record<string, string>} */
export const RULES = {
  map: "Each map has its own scale: Grad-CAM from 0 to its maximum, a mask from its minimum to its maximum.",
  row: "One scale along a row: all maps of a model that have the same method and unit share it.",
  shared: "One scale over the table: all maps that have the same method and unit share it.",
  absolute:
    "Fixed scales that compare between photos: shares to 8 times an even mask, gates from 0 to 1, Grad-CAM to 20 logits.",
};
