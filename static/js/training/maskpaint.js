// Maps of small photos on small canvases; the browser enlarges them, so that many can move at once.
import { paint } from "../lib/colours.js";
import { offerAgain } from "../lib/dom.js";
import { setText } from "../lib/format.js";
import { combine, grid, peakWords, sample } from "../lib/maps.js";
import { isEvidence, span } from "../lib/scale.js";

const SIDE = 96; // px of a canvas
const STAGES = ["early", "medium", "late"];

/** @typedef {import("../lib/scale.js").Entry} Entry */
/**
 * @typedef {object} MaskLook
 * @property {Uint32Array} lookup
 * @property {string} scale
 * @property {boolean} grid   the map's own places instead of a smooth field
 * @property {Entry[]} all
 */

/**
 * One image's map out of a file of all of them: [P, cells], the stages' cells in a row.
 * @param {import("../lib/npy.js").NdArray} array
 * @param {{stages: Record<string, [number, number]>, unit: string | null}} maps grids by stage, and what the
 *   numbers are; null in runs of before this was stored
 * @param {number} index of the image @param {string} stage @param {{run: string, method: string}} of
 * @returns {Entry | null}
 */
export function entryOf(array, { stages: grids, unit: stored }, index, stage, of) {
  const cells = array.shape[1];
  let from = index * cells;
  /** @type {Record<string, import("../lib/maps.js").Grid>} */
  const found = {};
  for (const name of STAGES.filter((one) => one in grids)) {
    const [rows, cols] = grids[name];
    found[name] = grid(rows, cols, array.data.subarray(from, from + rows * cols));
    from += rows * cols;
  }
  const [rows, cols] = grids[Object.keys(found)[0]] ?? [1, 1];
  const map = stage === "combined" ? combine(Object.values(found), 2 * rows, 2 * cols) : found[stage];
  if (!map) return null;
  const { min, max } = map;
  const unit = stored ?? (of.method.endsWith("attention") ? "gate" : "evidence");
  const record = {
    shape: [map.rows, map.cols],
    unit: stage === "combined" ? "combined" : unit,
    target: unit === "evidence" ? "the image's own class" : null,
  };
  return { model: of.run, stage, method: of.method, record, grid: map, min, max };
}

/** A photo with a map over it. */
export class MaskCell {
  /** @param {HTMLElement} frame with an img, a canvas and .words inside */
  constructor(frame) {
    this.frame = frame;
    this.canvas = /** @type {HTMLCanvasElement} */ (frame.querySelector("canvas"));
    this.words = /** @type {HTMLElement} */ (frame.querySelector(".words"));
  }

  /** @param {boolean} failed @param {() => void} again */
  offerAgain(failed, again) {
    offerAgain(this.frame, failed, again, "The map has not come.");
  }

  /** @param {Entry | null} entry @param {MaskLook} look @param {string} otherwise said where there is no map */
  draw(entry, look, otherwise) {
    const words = entry?.grid ? flat(entry, look) : otherwise;
    setText(this.words, words);
    this.words.classList.toggle("on", words !== "");
    this.canvas.hidden = words !== "" || !entry?.grid;
    if (this.canvas.hidden || !entry?.grid) return;
    const [width, height] = look.grid ? [entry.grid.cols, entry.grid.rows] : [SIDE, SIDE];
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.canvas.classList.toggle("blocks", look.grid);
    const field = look.grid ? entry.grid.data : sample(entry.grid, width, height, true);
    paint(this.canvas, field, span(entry, look.all, look.scale, false), look.lookup);
  }
}

/** @param {Entry} entry @param {MaskLook} look @returns {string} */
function flat(entry, look) {
  if (isEvidence(entry)) return entry.max > 0 ? "" : "no evidence for it";
  return look.scale === "map" && entry.max - entry.min <= 1e-4 * Math.abs(entry.max) ? "flat" : "";
}

/** @param {Entry | null} entry @returns {string} for screen readers */
export function spoken(entry) {
  return entry?.grid ? peakWords(entry.grid) : "no map";
}
