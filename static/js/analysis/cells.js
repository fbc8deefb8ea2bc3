// One cell of the table: it paints its map over the photo and says in words what it shows.
import { paint } from "../lib/colours.js";
import { capital, number, setText } from "../lib/format.js";
import { peakPoint, sample, valueAt } from "../lib/maps.js";
import { METHODS } from "../lib/methods.js";
import { hasSign, isEvidence, isLearnt, span, unit } from "../lib/scale.js";

/** @typedef {import("./store.js").Entry} Entry */
/**
 * @typedef {object} Look  what all cells share at the moment
 * @property {import("./view.js").View} view
 * @property {Entry[]} all            every map in the table
 * @property {Uint32Array} lookup     colours of masks, and of Grad-CAM when not signed
 * @property {Uint32Array} diverging  colours of the signed view
 */

/** Paints one map into one frame (a cell, or the enlarged map). */
export class Painter {
  /** @param {HTMLElement} frame with an img, a canvas and a .words inside */
  constructor(frame) {
    this.frame = frame;
    this.canvas = /** @type {HTMLCanvasElement} */ (frame.querySelector("canvas"));
    this.words = /** @type {HTMLElement} */ (frame.querySelector(".words"));
    this.field = { grid: null, width: 0, height: 0, smooth: true, values: new Float32Array(0) };
  }

  /** @param {Entry | null} entry @param {Look} look @returns {string} words shown instead, or "" */
  draw(entry, look) {
    const grid = entry?.grid;
    const words = entry ? insteadOfMap(entry, look.view) : "";
    setText(this.words, words.replace(/ for .*/, "")); // the class stands in the label
    this.words.classList.toggle("on", words !== "");
    this.canvas.hidden = !grid || words !== "";
    if (!entry || !grid || words) return words;
    const { width, height } = this.#fit();
    if (width === 0) return words; // not on the page now
    const { view, all } = look;
    const signed = view.signed && hasSign(entry);
    const values = this.#sampled(grid, width, height, view.smooth);
    paint(this.canvas, values, span(entry, all, view.scale, view.signed), signed ? look.diverging : look.lookup);
    return words;
  }

  #fit() {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const width = Math.round(this.frame.clientWidth * ratio);
    const height = Math.round(this.frame.clientHeight * ratio);
    if (this.canvas.width !== width) this.canvas.width = Math.max(1, width);
    if (this.canvas.height !== height) this.canvas.height = Math.max(1, height);
    return { width, height };
  }

  /** @param {import("../lib/maps.js").Grid} grid @param {number} width @param {number} height @param {boolean} smooth */
  #sampled(grid, width, height, smooth) {
    const last = this.field;
    const same = last.grid === grid && last.width === width && last.height === height;
    if (!same || last.smooth !== smooth) {
      this.field = { grid, width, height, smooth, values: sample(grid, width, height, smooth) };
    }
    return this.field.values;
  }
}

/**
 * What is said where there is nothing to draw.
 * @param {Entry} entry @param {import("./view.js").View} view @returns {string}
 */
function insteadOfMap(entry, view) {
  if (entry.missing) return entry.missing;
  if (!isEvidence(entry)) {
    const flat = entry.max - entry.min <= 1e-4 * Math.abs(entry.max);
    return flat && view.scale === "map" ? `Flat: ${number(entry.max)} everywhere` : "";
  }
  if ((view.signed && hasSign(entry) && entry.min < 0) || entry.max > 0) return "";
  return `No positive evidence${entry.record.target ? ` for ${entry.record.target}` : ""}`;
}

/** @param {number} fraction */
const percentOf = (fraction) => `${Math.round(100 * fraction)} %`;

export class Cell {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.row = element.dataset.model ?? "";
    this.stage = element.dataset.stage ?? "";
    this.method = element.dataset.method ?? "";
    this.key = `${this.row}.${this.stage}.${this.method}`;
    const frame = /** @type {HTMLElement | null} */ (element.querySelector(".frame"));
    this.painter = frame && new Painter(frame);
    this.caption = /** @type {HTMLElement | null} */ (element.querySelector("[data-value]"));
    this.low = element.querySelector("[data-low]");
    /** @type {Entry | null} */
    this.entry = null;
  }

  /** @param {Entry | null} entry @param {Look} look @param {string} title of the model */
  draw(entry, look, title) {
    if (!this.painter) return;
    this.entry = entry;
    const ready = Boolean(entry?.grid || entry?.missing);
    this.element.classList.toggle("ready", ready);
    const words = this.painter.draw(entry, look);
    this.element.classList.toggle("empty", words !== "");
    this.element.setAttribute("aria-label", this.#label(title, words));
  }

  /** @param {{x: number, y: number} | null} cursor */
  read(cursor) {
    if (!this.caption) return;
    const grid = this.entry?.grid;
    const range = Boolean(grid && !cursor && isLearnt(this)); // a mask near flat shows by its range
    if (this.low) setText(this.low, grid && range ? `${number(grid.min)}–` : "");
    this.caption.classList.toggle("peak", Boolean(grid && !cursor && !range)); // the style adds "max"
    setText(this.caption, grid ? number(cursor ? valueAt(grid, cursor).value : grid.max) : "");
  }

  /** Screen readers hear where the map is highest, and its range. @param {string} title @param {string} words */
  #label(title, words) {
    const name = `${title}, ${this.stage}, ${METHODS[this.method]}`;
    const grid = this.entry?.grid;
    if (words) return `${name}: ${words}`;
    if (!grid) return `${name}: not ready yet`;
    const { x, y } = peakPoint(grid);
    const range = `range ${number(grid.min)} to ${number(grid.max)}`;
    return `${name}: highest at ${percentOf(x)} from the left, ${percentOf(y)} from the top; ${range}`;
  }
}

/**
 * What a map's numbers mean, in one or two sentences.
 * @param {Entry} entry @param {string} mechanism @returns {string}
 */
export function meaning(entry, mechanism) {
  const size = entry.record.shape.at(-1) * entry.record.shape.at(-2);
  const what = unit(entry);
  if (what === "combined") {
    return "The three stages’ maps, each scaled to 0–1, averaged. It has no unit: compare places, not photos.";
  }
  if (what === "evidence") {
    return `How much each place speaks for “${entry.record.target ?? "the class"}” (positive) or against it (negative). Times ${size} places, it is in units of the logit.`;
  }
  if (what === "rollout") {
    return `Which part of the attention reaches each place through all layers. Even would be ${number(1 / size)} everywhere.`;
  }
  if (what === "share") {
    return `Shares of one whole: all ${size} places sum to 1. An even mask would hold ${number(1 / size)} everywhere.`;
  }
  if (mechanism === "residual") return `${residual(entry.channel ?? "mean")} The trunk is multiplied by 1 + M.`;
  return "A gate at each place: 0 shuts it, 1 lets everything through.";
}

/** @param {string} rule @returns {string} */
function residual(rule) {
  const words = {
    mean: "The mean of the soft mask M over its channels.",
    max: "The largest of the soft mask M’s channels at each place.",
    l2: "The L2 norm of the soft mask M over its channels at each place.",
  };
  return words[rule] ?? `${capital("channel")} ${rule} of the soft mask M.`;
}
