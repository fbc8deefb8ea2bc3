// The maps of the page: records first, values as they arrive. Later layers cover earlier ones.
import { getArray, getJson } from "../lib/api.js";
import { combine, fromArray, reduceChannels } from "../lib/maps.js";

/** @typedef {import("../lib/scale.js").Entry & {missing?: string, channel?: string}} Entry */
/** @typedef {"base" | "head" | "cam" | "derived"} LayerName */

/** @type {LayerName[]} which one is asked first */
const ORDER = ["derived", "cam", "head", "base"];
const keyOf = (/** @type {{model: string, stage: string, method: string}} */ one) =>
  `${one.model}.${one.stage}.${one.method}`;

export class Store {
  /** @param {(entry: Entry) => void} onReady called when a map's values have come */
  constructor(onReady) {
    this.onReady = onReady;
    /** @type {Record<LayerName, {entries: Map<string, Entry>, predictions: Record<string, any>}>} */
    this.layers = /** @type {any} */ ({});
    for (const name of ORDER) this.clear(name);
    /** @type {Map<string, Promise<import("../lib/npy.js").NdArray>>} by record id */
    this.stacks = new Map();
  }

  /** @param {LayerName} name */
  clear(name) {
    this.layers[name] = { entries: new Map(), predictions: {} };
  }

  /** Every record of an analysis. @param {string} address @returns {Promise<any[]>} */
  static async records(address) {
    const items = [];
    let next = "";
    do {
      const page = await getJson(`${address}?limit=100${next && `&cursor=${encodeURIComponent(next)}`}`);
      items.push(...page.items);
      next = page.next ?? "";
    } while (next);
    return items;
  }

  /**
   * Add records to a layer and fetch the values of the new ones.
   * @param {LayerName} name @param {any[]} records
   */
  async take(name, records) {
    const { entries } = this.layers[name];
    const fresh = records.filter((record) => !entries.has(keyOf(record)));
    for (const record of fresh) {
      const { model, stage, method, min, max, sum } = record;
      entries.set(keyOf(record), { model, stage, method, record, min, max, sum, grid: null });
    }
    const shown = fresh.filter((record) => record.method !== "attention-channels");
    await Promise.all(shown.map((record) => this.#fetch(entries, record)));
  }

  /** @param {Map<string, Entry>} entries @param {any} record */
  async #fetch(entries, record) {
    const values = fromArray(await getArray(record.links.npy));
    const entry = entries.get(keyOf(record));
    if (!entry) return; // the layer was cleared meanwhile
    entry.grid = values;
    this.onReady(entry);
  }

  /** @param {string} model @param {string} stage @param {string} method @returns {Entry | null} */
  entry(model, stage, method) {
    const key = `${model}.${stage}.${method}`;
    for (const name of ORDER) {
      const found = this.layers[name].entries.get(key);
      if (found) return found;
    }
    return null;
  }

  /** @param {string} model @returns {any} the newest answer of a model, or null */
  prediction(model) {
    for (const name of ORDER) {
      if (model in this.layers[name].predictions) return this.layers[name].predictions[model];
    }
    return null;
  }

  /**
   * Show another reduction of the masks that have channels.
   * @param {string} rule mean, max, l2 or a channel's number
   */
  async reduce(rule) {
    const stacks = [...this.layers.base.entries.values()].filter(
      (entry) => entry.method === "attention-channels",
    );
    const arrays = rule === "mean" ? [] : await Promise.all(stacks.map((one) => this.#stack(one)));
    this.clear("derived");
    if (rule === "mean") return;
    const made = stacks.map((stack, index) => this.#derive(stack, arrays[index], rule));
    for (const model of new Set(stacks.map((stack) => stack.model))) {
      this.#deriveCombined(model, made.filter((one) => one.model === model), rule);
    }
  }

  /** @param {Entry} entry */
  #stack(entry) {
    const { id, links } = entry.record;
    if (!this.stacks.has(id)) this.stacks.set(id, getArray(links.npy));
    return /** @type {Promise<import("../lib/npy.js").NdArray>} */ (this.stacks.get(id));
  }

  /**
   * @param {Entry} stack @param {import("../lib/npy.js").NdArray} array @param {string} rule
   * @returns {Entry}
   */
  #derive(stack, array, rule) {
    const grid = reduceChannels(array, rule);
    return this.#put(stack.model, stack.stage, rule, grid, `only ${array.shape[0]} channels here`);
  }

  /** @param {string} model @param {Entry[]} parts @param {string} rule */
  #deriveCombined(model, parts, rule) {
    const original = this.layers.base.entries.get(`${model}.combined.attention`);
    if (!original) return;
    const grids = parts.flatMap((one) => one.grid ?? []);
    const [rows, cols] = original.record.shape;
    const whole = Number.isNaN(Number(rule)) && grids.length > 0;
    const grid = whole ? combine(grids, rows, cols) : null;
    this.#put(model, "combined", rule, grid, "one channel has no combined map");
  }

  /**
   * @param {string} model @param {string} stage @param {string} rule
   * @param {import("../lib/maps.js").Grid | null} grid @param {string} missing
   * @returns {Entry}
   */
  #put(model, stage, rule, grid, missing) {
    const key = `${model}.${stage}.attention`;
    const record = this.layers.base.entries.get(key)?.record;
    const { min, max, sum } = grid ?? { min: 0, max: 0, sum: 0 };
    const made = { model, stage, method: "attention", record, grid, min, max, sum, channel: rule };
    /** @type {Entry} */
    const entry = grid ? made : { ...made, missing };
    if (record) this.layers.derived.entries.set(key, entry);
    return entry;
  }
}
