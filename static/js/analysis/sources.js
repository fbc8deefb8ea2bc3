// Where the maps come from: the analysis of this page, and small ones that are asked for on top of it.
import { follow, getJson, isFinal, persist } from "../lib/api.js";

/** Every record of an analysis. @param {any} analysis @returns {Promise<any[]>} */
async function recordsOf({ links }) {
  const items = [];
  let next = "";
  do {
    const page = await getJson(`${links.tracks ?? links.heatmaps}?limit=100${next && `&cursor=${encodeURIComponent(next)}`}`);
    items.push(...page.items);
    next = page.next ?? "";
  } while (next);
  return items;
}

export class Sources {
  /**
   * @param {import("./store.js").Store} store
   * @param {(layer: string, analysis: any) => void} onChange called with every newer state of an analysis
   */
  constructor(store, onChange) {
    this.store = store;
    this.onChange = onChange;
    /** @type {Record<string, object>} the newest request of each layer */
    this.newest = {};
  }

  /**
   * Show an analysis in a layer, and follow it to its end.
   * @param {string} layer @param {any} analysis @param {any[]} [records] that are known already
   * @returns {Promise<void>} done when the last map has come
   */
  watch(layer, analysis, records) {
    const token = (this.newest[layer] = {});
    return new Promise((resolve, reject) => {
      let stop = () => {};
      const step = async (/** @type {any} */ now, /** @type {any[] | undefined} */ known) => {
        if (this.newest[layer] !== token) return stop();
        // A model may be called "constructor": nothing is found that has not answered.
        this.store.layers[layer].predictions = Object.setPrototypeOf(now.predictions, null);
        this.onChange(layer, now);
        await this.store.take(layer, known ?? (await persist(() => recordsOf(now))));
        if (isFinal(now)) resolve();
      };
      if (!isFinal(analysis)) stop = follow(analysis, (now) => step(now, undefined).catch(reject));
      step(analysis, records).catch(reject);
    });
  }

  /**
   * Show another analysis in a layer, unless a newer one is asked for before it is there.
   * @param {string} layer @param {() => Promise<any>} ask
   * @returns {Promise<{id: string, done: Promise<void>}>}
   */
  async replace(layer, ask) {
    const token = (this.newest[layer] = {});
    const analysis = await ask();
    if (this.newest[layer] !== token) return { id: analysis.id, done: Promise.resolve() };
    this.store.clear(layer);
    return { id: analysis.id, done: this.watch(layer, analysis) };
  }

  /** @param {string} layer */
  drop(layer) {
    this.newest[layer] = {};
    this.store.clear(layer);
  }
}
