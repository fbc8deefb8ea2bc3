// Masks that have channels, reduced in another way than by their mean.
import { getArray } from "../lib/api.js";
import { combine, reduceChannels } from "../lib/maps.js";
import { keyOf } from "./store.js";

/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {import("../lib/maps.js").Grid} Grid */

export class Channels {
  /** @param {import("./store.js").Store} store with a layer "derived" */
  constructor(store) {
    this.store = store;
    /** @type {Map<Entry, Promise<import("../lib/npy.js").NdArray>>} */
    this.stacks = new Map();
  }

  /** @param {string} rule mean, max, l2 or a channel's number */
  async reduce(rule) {
    const entries = [...this.store.layers.base.entries.values()];
    const stacks = rule === "mean" ? [] : entries.filter(({ method }) => method === "attention-channels");
    const arrays = await Promise.all(stacks.map((stack) => this.#load(stack)));
    this.store.clear("derived");
    /** @type {Record<string, Grid[]>} by model */
    const grids = Object.create(null);
    stacks.forEach(({ model, stage }, index) => {
      const grid = reduceChannels(arrays[index], rule);
      this.#put(model, stage, rule, grid, `only ${arrays[index].shape[0]} channels here`);
      (grids[model] ??= []).push(...(grid ? [grid] : []));
    });
    for (const [model, parts] of Object.entries(grids)) this.#combine(model, parts, rule);
  }

  /** @param {Entry} stack */
  #load(stack) {
    if (!this.stacks.has(stack)) {
      const coming = getArray(stack.record.links.npy);
      this.stacks.set(stack, coming);
      coming.catch(() => this.stacks.delete(stack)); // the next choice asks again
    }
    return /** @type {Promise<import("../lib/npy.js").NdArray>} */ (this.stacks.get(stack));
  }

  /** @param {string} model @param {Grid[]} parts @param {string} rule */
  #combine(model, parts, rule) {
    const original = this.#original(model, "combined");
    const whole = original && Number.isNaN(Number(rule)) && parts.length > 0;
    const grid = whole ? combine(parts, original.rows, original.cols) : null;
    this.#put(model, "combined", rule, grid, "one channel has no combined map");
  }

  /** @param {string} model @param {string} stage @returns {Entry | undefined} the mean over the channels */
  #original(model, stage) {
    return this.store.layers.base.entries.get(keyOf({ model, stream: "rgb", stage, method: "attention" }));
  }

  /** @param {string} model @param {string} stage @param {string} rule @param {Grid | null} grid @param {string} missing why there is no grid */
  #put(model, stage, rule, grid, missing) {
    const original = this.#original(model, stage);
    if (!original) return;
    const { min, max, data } = grid ?? { min: 0, max: 0, data: null };
    const stack = this.store.layers.base.entries.get(keyOf({ model, stream: "rgb", stage, method: "attention-channels" }))?.record;
    const entry = { ...original, grid, min, max, data, channel: rule, stack, ...(grid ? {} : { missing }) };
    this.store.layers.derived.entries.set(keyOf(entry), entry);
  }
}
