// Arithmetic of two streams: how their snippets' scores become one answer. No page here.
// z = sum over streams of w * (sum over snippets of a * z), divided by the sum of the weights.
// Probabilities are the softmax of z / temperature, as everywhere.

/** @typedef {{weight: number, logits: number[][], consensus: number[]}} Stream */
/**
 * @typedef {object} Clip  of a Prediction JSON
 * @property {string[]} classes
 * @property {number[]} times
 * @property {number[][]} bounds
 * @property {string} fusion
 * @property {Record<string, Stream>} streams
 * @property {Record<string, number[]>} shares
 * @property {number} rest
 * @property {number} temperature
 */
/**
 * @typedef {object} Fused
 * @property {number[]} logits         of the clip, by class; of a softmax fusion their logarithms
 * @property {number[]} probabilities
 * @property {number[][]} moments      probabilities by snippet
 * @property {Record<string, number>} weights  sum to 1
 */

/** @param {number[]} logits @returns {number[]} */
export function softmax(logits) {
  const top = Math.max(...logits);
  const raised = logits.map((value) => Math.exp(value - top));
  const total = raised.reduce((sum, value) => sum + value, 0);
  return raised.map((value) => value / total);
}

/** Learnt fusion has weights that only the server knows. @param {Clip} clip */
export const isFree = (clip) => clip.fusion !== "learnt" && Object.keys(clip.streams).length > 1;

/**
 * @param {Clip} clip @param {number} share the flow stream's percentage; below 0: the model's own
 * @returns {Record<string, number>} weights that sum to 1
 */
export function weightsOf(clip, share) {
  const names = Object.keys(clip.streams);
  const own = share < 0 || !isFree(clip);
  const raw = names.map((name) => (own ? clip.streams[name].weight : name === "flow" ? share : 100 - share));
  const total = raw.reduce((sum, value) => sum + value, 0) || 1;
  return Object.fromEntries(names.map((name, index) => [name, raw[index] / total]));
}

/** @param {number[][]} rows [K][C] @param {number[]} by [K] @returns {number[]} [C] */
function weighted(rows, by) {
  return rows[0].map((_, column) => rows.reduce((sum, row, index) => sum + by[index] * row[column], 0));
}

/** @param {Clip} clip @param {Record<string, number>} weights @param {(stream: Stream) => number[]} of */
function together(clip, weights, of) {
  const names = Object.keys(clip.streams);
  const soft = clip.fusion === "softmax";
  const rows = names.map((name) => (soft ? softmax(of(clip.streams[name])) : of(clip.streams[name])));
  const sum = weighted(rows, names.map((name) => weights[name]));
  return soft ? sum.map((value) => Math.log(Math.max(value, 1e-12))) : sum;
}

/** @param {Clip} clip @param {number} share @returns {Fused} */
export function fuse(clip, share) {
  const weights = weightsOf(clip, share);
  const logits = together(clip, weights, (one) => weighted(one.logits, one.consensus));
  const sure = (/** @type {number[]} */ raw) => softmax(raw.map((value) => value / clip.temperature));
  const moments = clip.times.map((_, k) => sure(together(clip, weights, (one) => one.logits[k])));
  return { logits, probabilities: sure(logits), moments, weights };
}

/**
 * What each snippet of each stream adds to the target's logit; with `rest` it is that logit.
 * @param {Clip} clip @param {number} share @param {number} target class index
 * @returns {{shares: Record<string, number[]>, rest: number, sum: number}}
 */
export function contributions(clip, share, target) {
  const { logits, weights } = fuse(clip, share);
  const parts = Object.entries(clip.streams).map(([name, one]) => [
    name, one.consensus.map((a, k) => weights[name] * a * one.logits[k][target]),
  ]);
  /** @type {Record<string, number[]>} */
  const shares = Object.fromEntries(parts);
  const total = Object.values(shares).flat().reduce((sum, value) => sum + value, 0);
  const sum = clip.fusion === "learnt" ? total + clip.rest : logits[target];
  return { shares, rest: sum - total, sum };
}

/**
 * A prediction as it would be at another fusion weight, in the shape that the server's has.
 * @param {any} prediction @param {number} share
 */
export function reweighted(prediction, share) {
  const clip = prediction.clip;
  if (!clip || share < 0 || !isFree(clip)) return prediction;
  const { logits, probabilities } = fuse(clip, share);
  const score = (/** @type {number} */ index) => ({ index, name: clip.classes[index], probability: probabilities[index], logit: logits[index] });
  const order = probabilities.map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a]);
  const target = prediction.target && score(prediction.target.index);
  return { ...prediction, top: order.slice(0, 5).map(score), target };
}

/** @param {Record<string, number>} weights @returns {string} "1 : 1.5" */
export function ratio({ rgb = 0, flow = 0 }) {
  if (rgb < 1e-9) return "0 : 1";
  if (flow < 1e-9) return "1 : 0";
  const [left, right] = flow >= rgb ? [1, flow / rgb] : [rgb / flow, 1];
  const say = (/** @type {number} */ value) => Number(value.toPrecision(value < 10 ? 2 : 3)).toString();
  return `${say(left)} : ${say(right)}`;
}
