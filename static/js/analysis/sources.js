// Where the maps come from: the analysis of this page, and the small ones asked for on top of it
// (another target class for Grad-CAM, the ImageNet head of the first row).
import { follow, getJson, isFinal, postJson } from "../lib/api.js";
import { Store } from "./store.js";

/** @typedef {import("./store.js").LayerName} LayerName */

export const IMAGENET = "plain-imagenet";

export class Sources {
  /**
   * @param {Store} store @param {any} base Analysis JSON of this page
   * @param {string} evidence the method that is asked for again: gradcam, or what was asked for
   * @param {(layer: LayerName, analysis: any) => void} onChange
   */
  constructor(store, base, evidence, onChange) {
    this.store = store;
    this.base = base;
    this.evidence = evidence;
    this.onChange = onChange;
    /** @type {Partial<Record<LayerName, object>>} the newest request of each layer */
    this.newest = {};
  }

  /**
   * Show an analysis in a layer, and follow it to its end.
   * @param {LayerName} layer @param {any} analysis @param {any[]} [records] already known
   * @returns {Promise<void>} done when the last map has come
   */
  watch(layer, analysis, records) {
    const token = (this.newest[layer] = {});
    return new Promise((resolve, reject) => {
      let stop = () => {};
      const step = async (/** @type {any} */ now, /** @type {any[]} */ known) => {
        if (this.newest[layer] !== token) return stop();
        this.store.layers[layer].predictions = now.predictions;
        this.onChange(layer, now);
        await this.store.take(layer, known ?? (await Store.records(now.links.heatmaps)));
        if (isFinal(now)) resolve();
      };
      if (!isFinal(analysis)) stop = follow(analysis, (now) => step(now, undefined).catch(reject));
      step(analysis, records).catch(reject);
    });
  }

  /**
   * Ask for Grad-CAM alone and show it in a layer; learnt masks do not depend on the target.
   * @param {"cam" | "head"} layer @param {string[]} models @param {string} target a class or "top"
   * @param {string} id of an analysis that may already hold it
   * @returns {Promise<{id: string, done: Promise<void>}>}
   */
  async gradcam(layer, models, target, id) {
    const token = (this.newest[layer] = {});
    const analysis = (id && (await this.#earlier(id, models, target))) || (await this.#ask(models, target));
    if (this.newest[layer] !== token) return { id: analysis.id, done: Promise.resolve() };
    this.store.clear(layer);
    const done = this.watch(layer, analysis);
    return { id: analysis.id, done };
  }

  /** @param {"cam" | "head"} layer */
  drop(layer) {
    this.newest[layer] = {};
    this.store.clear(layer);
  }

  /** @param {string[]} models @param {string} target */
  #ask(models, target) {
    const { media_id, input_size } = this.base.request;
    const methods = [this.evidence];
    return postJson("/api/v1/analyses", { media_id, models, methods, target, input_size });
  }

  /** A link names the analysis it saw; it counts only if it answers the same question. */
  async #earlier(/** @type {string} */ id, /** @type {string[]} */ models, /** @type {string} */ target) {
    const found = await getJson(`/api/v1/analyses/${encodeURIComponent(id)}`).catch(() => null);
    const request = found?.request;
    const same =
      request?.media_id === this.base.request.media_id &&
      request.target === target &&
      request.methods.includes(this.evidence) &&
      models.every((model) => request.models.includes(model));
    return same && !["failed", "cancelled"].includes(found.state) ? found : null;
  }
}
