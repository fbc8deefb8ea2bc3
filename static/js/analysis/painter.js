// Drawing on a photo's page: one map on a canvas that lies over the grey photo.
import { paint } from "../lib/colours.js";
import { sample } from "../lib/maps.js";
import { showWords } from "./cells.js";
import { fit, insteadOfMap, spanOf } from "./drawing.js";

/** Paints one map into one frame (a cell, or the enlarged map). */
export class Painter {
  /** @param {HTMLElement} frame with an img, a canvas and a .words inside */
  constructor(frame) {
    this.frame = frame;
    this.canvas = /** @type {HTMLCanvasElement} */ (frame.querySelector("canvas"));
    this.key = "";
    /** @type {import("../lib/maps.js").Grid | null} the map that is sampled in `values` */
    this.grid = null;
    /** @type {Float32Array} */
    this.values = new Float32Array(0);
  }

  /** @param {import("./store.js").Entry | null} entry @param {import("./drawing.js").Look} look @returns {string} words shown instead, or "" */
  draw(entry, look) {
    const words = entry ? insteadOfMap(entry, look.view) : "";
    showWords(this.frame, words);
    this.canvas.hidden = !entry?.grid || words !== "";
    if (!entry?.grid || words || this.frame.clientWidth === 0) return words;
    fit(this.canvas, this.frame);
    paint(this.canvas, this.#sampled(entry.grid, look.view.smooth), spanOf(entry, look), look.lookup);
    return words;
  }

  /** @param {import("../lib/maps.js").Grid} grid @param {boolean} smooth */
  #sampled(grid, smooth) {
    const { width, height } = this.canvas;
    const key = `${width} ${height} ${smooth}`;
    if (grid !== this.grid || key !== this.key) {
      this.values = sample(grid, width, height, smooth);
      [this.grid, this.key] = [grid, key];
    }
    return this.values;
  }
}
