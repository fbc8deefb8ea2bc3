// Shares in words: counts where few were judged, because a percentage would promise too much.

const FEW = 1000; // as in app/core/shares.py
const Z = 1.959964; // two-sided 95 % quantile of the normal distribution

/**
 * The 95 % interval of a share (Wilson 1927), which holds for few too.
 * @param {number} right @param {number} count @returns {[number, number]} within 0..1
 */
export function wilson(right, count) {
  const share = right / count;
  const middle = (share + Z ** 2 / (2 * count)) / (1 + Z ** 2 / count);
  const half = (Z / (1 + Z ** 2 / count)) * Math.sqrt((share * (1 - share)) / count + Z ** 2 / (4 * count ** 2));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** @param {number | null | undefined} count @returns {boolean} whether a share of so many is told as counts */
export const areFew = (count) => Boolean(count) && /** @type {number} */ (count) < FEW;

/**
 * @param {number | null | undefined} share 0..1 @param {number | null | undefined} count how many were judged
 * @returns {string} "18 of 20" where few were judged, "97.47 %" else
 */
export function counted(share, count) {
  if (!Number.isFinite(share)) return "–";
  const value = /** @type {number} */ (share);
  return areFew(count) ? `${Math.round(value * /** @type {number} */ (count))} of ${count}` : `${(100 * value).toFixed(2)} %`;
}

/**
 * @param {number | null | undefined} share 0..1 @param {number | null | undefined} count
 * @returns {string} the same with its interval: "18 of 20 (70 to 97 %)"
 */
export function shareWords(share, count) {
  if (!Number.isFinite(share) || !areFew(count)) return counted(share, count);
  const all = /** @type {number} */ (count);
  const [low, high] = wilson(Math.round(/** @type {number} */ (share) * all), all);
  return `${counted(share, all)} (${(100 * low).toFixed(0)} to ${(100 * high).toFixed(0)} %)`;
}
