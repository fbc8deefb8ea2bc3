// A cell of the table: one model's map by one method, at one stage of one stream.
import { make, offerAgain } from "../lib/dom.js";
import { number, setText } from "../lib/format.js";
import { valueAt } from "../lib/maps.js";
import { places, unit } from "../lib/scale.js";
import { methodTitle } from "../lib/titles.js";
import { Caption } from "./caption.js";

/** @typedef {import("./store.js").Entry} Entry */

/** Within a sentence. @type {Record<string, string>} */
export const STREAMS = { rgb: "RGB", flow: "flow" };

export class Cell {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    const { model = "", stream, stage = "", method = "" } = element.dataset;
    this.row = model;
    this.stream = stream ?? "rgb";
    this.stage = stage;
    this.method = method;
    this.id = `${model}.${stage}.${method}`; // in the address; the streams of a clip are shown together
    this.place = stream ? `${STREAMS[stream]} ${stage}` : stage;
    /** @type {HTMLElement | null} none where there can be no map */
    this.frame = element.querySelector(".frame");
    const caption = /** @type {HTMLElement | null} */ (element.querySelector(".value"));
    this.caption = caption && new Caption(caption);
  }

  /** @param {string} title of the model @returns {string} */
  name(title) {
    return `${title}, ${this.place}, ${methodTitle(this.method)}`;
  }

  /** @param {Entry | null} entry @param {string} title of the model @param {string} words what else there is to say of it */
  label(entry, title, words) {
    const ready = Boolean(entry?.grid || entry?.missing);
    const failed = entry?.failed ?? "";
    this.element.classList.toggle("ready", ready);
    this.element.classList.toggle("failed", failed !== "");
    this.element.setAttribute("aria-label", `${this.name(title)}: ${ready ? words : failed || "not ready yet"}`);
    if (this.frame) offerAgain(this.frame, failed !== "", () => entry && this.again(entry), failed);
  }

  /** The page says how. @param {Entry} entry that has not come */
  again(entry) {
    throw new Error(`Nobody fetches ${entry.model} again.`);
  }
}

/** @param {HTMLElement} frame @param {string} words instead of its map, or "" */
export function showWords(frame, words) {
  const element = /** @type {HTMLElement} */ (frame.querySelector(".words"));
  setText(element, words.replace(/^(No positive evidence) for .*/, "$1")); // the class stands in the label
  element.classList.toggle("on", words !== "");
}

/**
 * What lies under the cursor, as the read-out says it.
 * @param {string} name of the cell @param {Entry} entry @param {import("../lib/maps.js").Grid} map of the moment
 * @param {import("../lib/cursor.js").Cursor} cursor @returns {(string | Node)[]}
 */
export function cursorWords(name, entry, map, cursor) {
  const { row, col, value } = valueAt(map, cursor);
  const even = unit(entry) === "share" ? ` (${number(value * places(entry))} × even)` : "";
  const where = `row ${row + 1}, column ${col + 1} of ${map.rows} × ${map.cols}`;
  const found = make("span", {}, make("strong", { text: number(value) }), `${even}, ${where}`);
  return [make("span.readout-of", { text: `${name}:`, title: `${name}:` }), " ", found];
}
