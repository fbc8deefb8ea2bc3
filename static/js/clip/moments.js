// Where a time lies among the snippets, and how that is said.

/**
 * @typedef {object} Moment
 * @property {number} low   snippet before (or at) the time
 * @property {number} high  snippet after it
 * @property {number} part  0..1, how far from `low` to `high`
 */

/**
 * Between two snippets a map is a straight mix of both; before the first and after the last it
 * stays as it is. Raw: always the nearest one.
 * @param {number[]} times of the snippets, rising @param {number} t @param {boolean} raw
 * @returns {Moment}
 */
export function moment(times, t, raw) {
  const last = times.length - 1;
  let low = 0;
  while (low < last && times[low + 1] <= t) low += 1;
  const high = Math.min(last, low + 1);
  const gap = times[high] - times[low];
  const part = gap > 0 ? Math.min(1, Math.max(0, (t - times[low]) / gap)) : 0;
  return raw ? { low: part < 0.5 ? low : high, high: part < 0.5 ? low : high, part: 0 } : { low, high, part };
}

/** @param {number} seconds @returns {string} */
export const seconds = (seconds) => `${seconds.toFixed(2)}\u202fs`;

const SAME = 0.002; // seconds: players and files round differently
const NEAR = 0.02; // of the gap between two snippets: the eye cannot tell

/**
 * What is shown now, in words.
 * @param {number[]} times @param {number} t @param {boolean} raw
 * @returns {{words: string, mixed: boolean}}
 */
export function said(times, t, raw) {
  const { low, high, part } = moment(times, t, raw);
  const name = (/** @type {number} */ k) => `snippet ${k + 1} of ${times.length} (${seconds(times[k])})`;
  if (raw) return { words: `Raw: ${name(low)}`, mixed: false };
  if (t < times[0] - SAME) return { words: `Before the first snippet: ${name(0)} held`, mixed: false };
  if (t > times[times.length - 1] + SAME) return { words: `After the last: ${name(times.length - 1)} held`, mixed: false };
  if (part < NEAR) return { words: `At ${name(low)}`, mixed: false };
  if (part > 1 - NEAR) return { words: `At ${name(high)}`, mixed: false };
  return { words: `Interpolated between ${seconds(times[low])} and ${seconds(times[high])}`, mixed: true };
}

/** @param {number[] | Float32Array} values one a snippet @param {Moment} at @returns {number} */
export const mixed = (values, at) => values[at.low] + (values[at.high] - values[at.low]) * at.part;
