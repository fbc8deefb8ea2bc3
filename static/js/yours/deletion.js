// Deleting with an undo: nothing is sent before the time to undo is over, or the page is left.
import { load } from "../lib/api.js";

const UNDO_MS = 10_000;
const AGAIN_MS = 2000;
const MOST = 100; // in one request
const LEFT = "deleted"; // in sessionStorage: a page that is loaded again may still list them

export class Deletion {
  /**
   * @param {() => boolean} waits whether somebody is about to undo
   * @param {(ids: string[]) => void} gone @param {(ids: string[], problem: string) => void} failed
   */
  constructor(waits, gone, failed) {
    this.gone = gone;
    this.failed = failed;
    this.waits = waits;
    /** @type {string[]} */
    this.pending = [];
    this.timer = 0;
    addEventListener("pagehide", () => {
      if (this.pending.length > 0) remember(this.pending);
      this.send();
    });
  }

  /** Delete these soon; what waited before goes at once. @param {string[]} ids */
  start(ids) {
    this.send();
    this.pending = ids;
    this.timer = setTimeout(() => this.#over(), UNDO_MS);
  }

  /** @returns {string[]} what is not deleted after all */
  undo() {
    clearTimeout(this.timer);
    const kept = this.pending;
    this.pending = [];
    return kept;
  }

  #over() {
    if (this.waits()) this.timer = setTimeout(() => this.#over(), AGAIN_MS);
    else this.send();
  }

  /** Delete what waits, now; the requests outlive the page. */
  send() {
    const ids = this.undo();
    for (let first = 0; first < ids.length; first += MOST) this.#request(ids.slice(first, first + MOST));
  }

  /** @param {string[]} ids */
  async #request(ids) {
    const query = new URLSearchParams(ids.map((id) => ["id", id]));
    query.set("with_media", "true");
    try {
      await load(`/api/v1/analyses?${query}`, { method: "DELETE", keepalive: true });
      this.gone(ids);
    } catch (error) {
      this.failed(ids, /** @type {Error} */ (error).message);
    }
  }
}

/** @param {string[]} ids */
function remember(ids) {
  try {
    sessionStorage.setItem(LEFT, ids.join(" "));
  } catch {
    // storage may be forbidden; then the list shows them until it is loaded again
  }
}

/** What was deleted while the page was left; once. @returns {Set<string>} */
export function justDeleted() {
  try {
    const ids = sessionStorage.getItem(LEFT) ?? "";
    sessionStorage.removeItem(LEFT);
    return new Set(ids.split(" "));
  } catch {
    return new Set();
  }
}
