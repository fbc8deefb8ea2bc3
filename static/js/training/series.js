// The numbers of one run: its steps in typed arrays that grow, its epochs, and smoothed copies.

const COLUMNS = ["step", "loss", "accuracy", "lr", "images_per_s"];

/** @typedef {{step: number, epoch: number, [name: string]: any}} Epoch */

export class Series {
  constructor() {
    this.count = 0;
    /** @type {Record<string, Float32Array>} */
    this.columns = Object.fromEntries(COLUMNS.map((name) => [name, new Float32Array(1024)]));
    this.perEpoch = 1; // steps
    this.at = new Float32Array(1024); // epochs that each step stands at: what the x axis shows
    /** @type {Epoch[]} */
    this.epochs = [];
    /** @type {Record<string, {weight: number, count: number, mean: number, values: Float32Array}>} */
    this.smoothed = {};
  }

  get last() {
    return this.count ? this.columns.step[this.count - 1] : 0;
  }

  /** @param {{steps: number, epochs: number}} run how long it is, once that is known */
  follow({ steps, epochs }) {
    const perEpoch = steps > 0 && epochs > 0 ? steps / epochs : 1;
    if (perEpoch === this.perEpoch) return;
    this.perEpoch = perEpoch;
    this.#place(0);
  }

  /** @param {number} from the first step whose place is not known */
  #place(from) {
    for (let index = from; index < this.count; index += 1) this.at[index] = this.columns.step[index] / this.perEpoch;
  }

  /** Add steps; those that are known (a resumed run says them again) are passed over. @param {any} points */
  push(points) {
    const { step } = points;
    let first = 0;
    while (first < step.length && step[first] <= this.last) first += 1;
    const more = step.length - first;
    if (more === 0) return;
    this.#grow(this.count + more);
    for (const name of COLUMNS) {
      const column = this.columns[name];
      const factor = name === "accuracy" ? 100 : 1;
      for (let index = 0; index < more; index += 1) column[this.count + index] = factor * (points[name][first + index] ?? NaN);
    }
    this.count += more;
    this.#place(this.count - more);
  }

  /** @param {number} size */
  #grow(size) {
    const room = this.columns.step.length;
    if (size <= room) return;
    const larger = (/** @type {Float32Array} */ column) => {
      const copy = new Float32Array(Math.max(size, 2 * room));
      copy.set(column);
      return copy;
    };
    for (const name of COLUMNS) this.columns[name] = larger(this.columns[name]);
    this.at = larger(this.at);
  }

  /** @param {Epoch[]} epochs */
  addEpochs(epochs) {
    const known = new Map(this.epochs.map((one) => [one.epoch, one]));
    for (const one of epochs) known.set(one.epoch, one);
    this.epochs = [...known.values()].sort((a, b) => a.epoch - b.epoch);
  }

  /**
   * An exponential moving mean without the bias of its start; only new steps are computed.
   * @param {string} name @param {number} weight 0..1 of what was before
   * @returns {Float32Array} `count` of them are valid
   */
  smooth(name, weight) {
    const column = this.columns[name];
    if (weight === 0) return column;
    let kept = this.smoothed[name];
    if (kept?.weight !== weight) kept = { weight, count: 0, mean: 0, values: new Float32Array(0) };
    if (kept.values.length < column.length) {
      const larger = new Float32Array(column.length);
      larger.set(kept.values);
      kept.values = larger;
    }
    for (let index = kept.count; index < this.count; index += 1) {
      const value = Number.isNaN(column[index]) ? kept.mean : column[index]; // a loss that is not a number
      kept.mean = weight * kept.mean + (1 - weight) * value;
      kept.values[index] = kept.mean / (1 - weight ** (index + 1));
    }
    kept.count = this.count;
    this.smoothed[name] = kept;
    return kept.values;
  }

  /** @param {number} epoch @returns {Epoch | null} that epoch, or the last before it */
  epochAt(epoch) {
    let found = null;
    for (const one of this.epochs) if (one.epoch <= epoch) found = one;
    return found;
  }
}

/** @param {ArrayLike<number>} sorted @param {number} count @param {number} value @returns {number} first index not below */
export function lowerBound(sorted, count, value) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Mean and range of several lines on one grid of places.
 * @param {{xs: ArrayLike<number>, ys: ArrayLike<number>, count: number}[]} lines @param {number} [places]
 */
export function band(lines, places = 400) {
  const end = Math.max(0, ...lines.map((line) => (line.count ? line.xs[line.count - 1] : 0)));
  const start = Math.min(end, ...lines.map((line) => (line.count ? line.xs[0] : end)));
  const out = { xs: new Float32Array(places), ys: new Float32Array(places), low: new Float32Array(places), high: new Float32Array(places), count: 0 };
  for (let place = 0; place < places; place += 1) {
    const x = start + ((end - start) * place) / Math.max(1, places - 1);
    const values = lines.flatMap((line) => value(line, x) ?? []);
    if (values.length === 0) continue;
    const at = out.count;
    out.xs[at] = x;
    out.ys[at] = values.reduce((sum, one) => sum + one, 0) / values.length;
    out.low[at] = Math.min(...values);
    out.high[at] = Math.max(...values);
    out.count += 1;
  }
  return out;
}

/** @param {{xs: ArrayLike<number>, ys: ArrayLike<number>, count: number}} line @param {number} x @returns {number | null} */
export function value({ xs, ys, count }, x) {
  if (count === 0 || x < xs[0] - 1e-6 || x > xs[count - 1] + 1e-6) return null;
  const right = Math.min(count - 1, lowerBound(xs, count, x));
  if (right === 0 || xs[right] === x) return ys[right];
  const part = (x - xs[right - 1]) / (xs[right] - xs[right - 1]);
  return ys[right - 1] + (ys[right] - ys[right - 1]) * Math.min(1, part);
}
