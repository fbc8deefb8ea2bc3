// The maps of the probe images, fetched once for each run, epoch and method.
import { getArray } from "../lib/api.js";
import { API } from "../lib/dom.js";
import { entryOf } from "./maskpaint.js";

const KEPT = 600; // files; some 20 kB each

export class Masks {
  /** @param {() => void} onReady called when a file has come */
  constructor(onReady) {
    this.onReady = onReady;
    /** @type {Map<string, import("../lib/npy.js").NdArray | "coming" | "failed">} */
    this.files = new Map();
    /** @type {Map<string, import("../lib/scale.js").Entry | null>} */
    this.entries = new Map();
    document.addEventListener("serverback", () => this.again());
  }

  /** @param {string} run @param {number | "worst"} epoch @param {string} method */
  file(run, epoch, method) {
    const key = `${run}/${epoch}/${method}`;
    const found = this.files.get(key);
    if (found === undefined) this.#fetch(key, `${API}/training-runs/${run}/probes/${epoch}/${method}.npy`);
    return typeof found === "object" ? found : null;
  }

  /** @param {string} key @param {string} url */
  async #fetch(key, url) {
    this.files.set(key, "coming");
    if (this.files.size > KEPT) this.#forget();
    try {
      this.files.set(key, await getArray(url));
    } catch {
      this.files.set(key, "failed"); // the cell says that there is no map
    }
    this.onReady();
  }

  /** Ask again for a file that has not come, or for all of them. @param {string} [key] */
  again(key) {
    for (const [name, value] of this.files) if (value === "failed" && name === (key ?? name)) this.files.delete(name);
    this.onReady();
  }

  #forget() {
    for (const [key, value] of this.files) {
      if (typeof value === "object") {
        this.files.delete(key);
        break;
      }
    }
    this.entries.clear();
  }

  /**
   * @param {string} run @param {number | "worst"} epoch @param {string} method
   * @param {{stages: Record<string, [number, number]>, unit: string | null}} maps @param {number} index
   * @param {string} stage
   */
  entry(run, epoch, method, maps, index, stage) {
    const key = `${run}/${epoch}/${method}/${index}/${stage}`;
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    const array = this.file(run, epoch, method);
    if (!array || index >= array.shape[0]) return null;
    const entry = entryOf(array, maps, index, stage, { run, method });
    if (this.entries.size > 20 * KEPT) this.entries.clear();
    this.entries.set(key, entry);
    return entry;
  }
}
