// The maps of a clip: each track is a stack of maps, one a snippet, fetched once.
import { getArray } from "../lib/api.js";
import { grid, sample } from "../lib/maps.js";

export const FINE = 56; // grid that maps are laid on when drawn smooth

/**
 * @typedef {import("../lib/scale.js").Entry & {
 *   stream: string, times: number[], rows: number, cols: number, data: Float32Array | null,
 *   fine: Float32Array | null, energy: number[] | null
 * }} Track  `data` [T, rows, cols]; `sum` is a single map's, on average
 */

/** @param {string} model @param {string} stream @param {string} stage @param {string} method */
export const keyOf = (model, stream, stage, method) => `${model}.${stream}.${stage}.${method}`;

export class Tracks {
  /** @param {() => void} onReady called when a track's values have come */
  constructor(onReady) {
    this.onReady = onReady;
    /** @type {Map<string, Track>} */
    this.all = new Map();
  }

  /** Add records and fetch the values of the new ones. @param {any[]} records Track JSON */
  async take(records) {
    const fresh = records.filter(
      (one) => one.method !== "attention-channels" && !this.all.has(keyOf(one.model, one.stream, one.stage, one.method)),
    );
    for (const record of fresh) {
      const { model, stream, stage, method, min, max, times, shape } = record;
      const [rows, cols] = shape.slice(-2);
      const track = { model, stream, stage, method, record, min, max, times, rows, cols, sum: 0, grid: null, data: null, fine: null, energy: null };
      this.all.set(keyOf(model, stream, stage, method), track);
    }
    await Promise.all(fresh.map((one) => this.#fetch(keyOf(one.model, one.stream, one.stage, one.method), one.npy)));
  }

  /** @param {string} key @param {string} address */
  async #fetch(key, address) {
    const { data } = await getArray(address);
    const track = /** @type {Track} */ (this.all.get(key));
    track.data = data;
    track.grid = grid(track.times.length * track.rows, track.cols, data);
    track.sum = track.grid.sum / track.times.length;
    this.onReady();
  }

  /** @param {string} model @param {string} stream @param {string} stage @param {string} method */
  get(model, stream, stage, method) {
    return this.all.get(keyOf(model, stream, stage, method)) ?? null;
  }
}

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
