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
