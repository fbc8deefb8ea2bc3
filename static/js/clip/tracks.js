// Arithmetic on a track: the maps of one kind over a clip, one a snippet.
import { grid, sample } from "../lib/maps.js";
import { hasSign, isEvidence } from "../lib/scale.js";
import { moment } from "./moments.js";

/** @typedef {import("../analysis/store.js").Entry} Track */

export const FINE = 56; // grid that maps are laid on when drawn smooth

/**
 * Every map of a track laid bilinearly on the fine grid; mixing in time commutes with it, so this
 * is done once, not for every picture.
 * @param {Track} track @returns {Float32Array} [T, FINE, FINE]
 */
export function fineOf(track) {
  if (track.fine) return track.fine;
  const { rows, cols, times } = track;
  const data = /** @type {Float32Array} */ (track.data);
  if (rows === FINE && cols === FINE) return (track.fine = data);
  const out = new Float32Array(times.length * FINE * FINE);
  for (let k = 0; k < times.length; k += 1) {
    const one = { rows, cols, data: data.subarray(k * rows * cols, (k + 1) * rows * cols) };
    out.set(sample(/** @type {any} */ (one), FINE, FINE, true), k * FINE * FINE);
  }
  return (track.fine = out);
}

/** The map at a moment, at its own grid. @param {Track} track @param {import("./moments.js").Moment} at */
export function mapAt(track, at) {
  const size = track.rows * track.cols;
  const data = /** @type {Float32Array} */ (track.data);
  const out = new Float32Array(size);
  for (let i = 0; i < size; i += 1) {
    const a = data[at.low * size + i];
    out[i] = a + (data[at.high * size + i] - a) * at.part;
  }
  return grid(track.rows, track.cols, out);
}

/**
 * What is said of evidence that has nothing to show now, though it has at other times.
 * @param {Track | null} track @param {import("./view.js").View} view @param {number} t @returns {string}
 */
export function wordsAt(track, view, t) {
  if (!track?.data || !isEvidence(track) || (view.signed && hasSign(track))) return "";
  return mapAt(track, moment(track.times, t, view.raw)).max > 0 ? "" : "No positive evidence at this moment";
}

/**
 * How strongly a track looks anywhere at each snippet: the mean of the map's positive part. Shares
 * always sum to 1, so of them it is how concentrated they are: 1 minus their entropy, over that
 * of an even mask.
 * @param {Track} track @param {boolean} shares @returns {number[]} one a snippet
 */
export function energy(track, shares) {
  if (track.energy) return track.energy;
  const size = track.rows * track.cols;
  const data = /** @type {Float32Array} */ (track.data);
  track.energy = track.times.map((_, k) => {
    let total = 0;
    let entropy = 0;
    for (let i = k * size; i < (k + 1) * size; i += 1) {
      const value = Math.max(0, data[i]);
      total += value;
      if (value > 0) entropy -= value * Math.log(value);
    }
    return shares ? Math.max(0, 1 - entropy / Math.log(size)) : total / size;
  });
  return track.energy;
}
