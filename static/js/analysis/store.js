// The maps of the page: records first, values as they arrive. A photo's is a track of one time.
import { getArray } from "../lib/api.js";
import { grid } from "../lib/maps.js";

/**
 * @typedef {import("../lib/scale.js").Entry & {
 *   stream: string, times: number[], rows: number, cols: number, data: Float32Array | null,
 *   fine?: Float32Array, energy?: number[], missing?: string, failed?: string, channel?: string, stack?: any
 * }} Entry  `data` [T, rows, cols]; `grid` holds all of it as one map of T * rows rows; `missing`: why
 *   there is no map; `failed`: why it has not come
 */

/** @param {{model: string, stream: string, stage: string, method: string}} one */
export const keyOf = ({ model, stream, stage, method }) => `${model}.${stream}.${stage}.${method}`;

/** @param {any} record Heatmap JSON of a photo, or Track JSON @returns {Entry} */
function entryOf(record) {
  const { model, stream, stage, method, min, max, times = [0], shape } = record;
  const [rows, cols] = shape.slice(-2);
  return { model, stream, stage, method, record, min, max, times, rows, cols, data: null, grid: null };
}

const NO_MAP = { min: 0, max: 0, shape: [1, 1], unit: "evidence", target: null, layer: "", lacking: true };

/** Later layers cover earlier ones; a page that asks for nothing on top has "base" only. */
export class Store {
  /** @param {() => void} onReady called when a map's values have come @param {string[]} [covers] the last one covers all */
  constructor(onReady, covers = []) {
    this.onReady = onReady;
    /** Words where there can be no map: the model does not know the class. @type {(of: {model: string, method: string}) => string} */
    this.lacking = () => "";
    this.order = ["base", ...covers].reverse();
    /** @type {Record<string, {entries: Map<string, Entry>, predictions: Record<string, any>}>} */
    this.layers = {};
    for (const name of this.order) this.clear(name);
    document.addEventListener("serverback", () => this.#allAgain());
  }

  /** @param {string} name of a layer */
  clear(name) {
    this.layers[name] = { entries: new Map(), predictions: Object.create(null) };
  }

  /** Add records to a layer and fetch the values of the new ones. @param {string} name @param {any[]} records */
  async take(name, records) {
    const { entries } = this.layers[name];
    const fresh = records.filter((record) => !entries.has(keyOf(record))).map(entryOf);
    for (const entry of fresh) entries.set(keyOf(entry), entry);
    const shown = fresh.filter(({ method }) => method !== "attention-channels");
    await Promise.all(shown.map((entry) => this.#fetch(entry)));
  }

  /** @param {Entry} entry */
  async #fetch(entry) {
    const { npy, links } = entry.record;
    try {
      entry.data = (await getArray(npy ?? links.npy)).data;
      entry.grid = grid(entry.times.length * entry.rows, entry.cols, entry.data);
      entry.failed = "";
    } catch (error) {
      entry.failed = /** @type {Error} */ (error).message; // one cell's: the others go on
    }
    this.onReady();
  }

  /** Fetch a map again that has not come. @param {Entry} entry */
  again(entry) {
    entry.failed = "";
    this.#fetch(entry);
    this.onReady();
  }

  #allAgain() {
    for (const { entries } of Object.values(this.layers)) {
      for (const entry of entries.values()) if (entry.failed) this.#fetch(entry);
    }
  }

  /** @param {{model: string, stream: string, stage: string, method: string}} of @returns {Entry | null} */
  entry(of) {
    const words = this.lacking(of);
    if (words) return { ...entryOf({ ...of, ...NO_MAP }), missing: words };
    const layer = this.order.find((name) => this.layers[name].entries.has(keyOf(of)));
    return layer ? /** @type {Entry} */ (this.layers[layer].entries.get(keyOf(of))) : null;
  }

  /** @param {string} model @returns {any} its newest answer, or null */
  prediction(model) {
    const layer = this.order.find((name) => model in this.layers[name].predictions);
    return layer ? this.layers[layer].predictions[model] : null;
  }
}
