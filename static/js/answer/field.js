// A map as the large view draws it: on a grid that all stages share, in steps of its scale.
import { FINE, fineOf, mapAt } from "../clip/tracks.js";
import { sample } from "../lib/maps.js";

/** @typedef {import("../analysis/store.js").Entry} Entry */
/** @typedef {import("../clip/moments.js").Moment} Moment */

const COARSE = 280; // holds grids of 7, 10, 14, 20, 28 and 40 without cutting a place

/**
 * @param {Entry} entry with its values @param {Moment} at @param {[number, number]} range the values of the
 *   first and last step @param {boolean} smooth @returns {Float32Array} steps, 0..255 and beyond
 */
function stepsOf(entry, { low, high, part }, [bottom, top], smooth) {
  const factor = top > bottom ? 255 / (top - bottom) : 0;
  if (!smooth) return sample(mapAt(entry, { low, high, part }), COARSE, COARSE, false).map((value) => (value - bottom) * factor);
  const size = FINE * FINE;
  const data = fineOf(entry);
  return Float32Array.from({ length: size }, (_, i) => {
    const a = data[low * size + i];
    return (a + (data[high * size + i] - a) * part - bottom) * factor;
  });
}

/**
 * Two stages' maps, or one.
 * @param {{entry: Entry, range: [number, number], weight: number}[]} layers whose weights sum to 1
 * @param {Moment} at @param {boolean} smooth @returns {import("../lib/spotlight.js").Field}
 */
export function fieldOf(layers, at, smooth) {
  const side = smooth ? FINE : COARSE;
  const total = new Float32Array(side * side);
  for (const { entry, range, weight } of layers) {
    stepsOf(entry, at, range, smooth).forEach((step, i) => {
      total[i] += weight * Math.min(255, Math.max(0, step));
    });
  }
  return { rows: side, cols: side, steps: Uint8ClampedArray.from(total), smooth };
}

/** The mean over time of a clip's maps; a photo's only map. @param {Entry} entry with its values */
export function meanMap({ rows, cols, data, times }) {
  const size = rows * cols;
  const values = /** @type {Float32Array} */ (data);
  return Float32Array.from({ length: size }, (_, i) =>
    times.reduce((sum, _, k) => sum + values[k * size + i], 0) / times.length);
}
