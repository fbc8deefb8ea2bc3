// What each run answered to the probe images, epoch by epoch; asked for once a run, then what is new.
import { getJson, sleep } from "../lib/api.js";
import { API } from "../lib/dom.js";

/** @typedef {{epoch: number, predicted: number[], confidence: number[]}} EpochAnswers */

export class Answers {
  /** @param {() => void} onReady called when answers have come */
  constructor(onReady) {
    this.onReady = onReady;
    /** @type {Map<string, Map<number, EpochAnswers>>} by run and epoch */
    this.known = new Map();
    /** @type {Set<string>} runs whose answers are on their way */
    this.coming = new Set();
  }

  /** @param {string} run @param {number} epoch @param {number} probe its place @returns {{predicted: number, confidence: number} | null} */
  of(run, epoch, probe) {
    const found = this.known.get(run)?.get(epoch);
    if (!found) this.#fetch(run);
    return found ? { predicted: found.predicted[probe], confidence: found.confidence[probe] } : null;
  }

  /** @param {string} run */
  async #fetch(run) {
    if (this.coming.has(run)) return;
    this.coming.add(run);
    const epochs = this.known.get(run) ?? new Map();
    this.known.set(run, epochs);
    try {
      const after = Math.max(0, ...epochs.keys());
      const { items } = await getJson(`${API}/training-runs/${run}/answers?after=${after}`);
      for (const one of items) epochs.set(one.epoch, one);
      this.coming.delete(run);
      if (items.length) this.onReady();
    } catch {
      await sleep(5000); // the cells stay without words meanwhile
      this.coming.delete(run);
      this.onReady(); // whoever draws asks again
    }
  }
}
