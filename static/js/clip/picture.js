// Drawing: the clip's frame in grey, once for all; over it each map, coloured at its own small
// size and scaled by the browser. Nothing is allocated from one picture to the next.
import { fit, spanOf } from "../analysis/drawing.js";
import { moment } from "./moments.js";
import { FINE, fineOf } from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("../analysis/drawing.js").Look} Look */

/** @param {HTMLCanvasElement} canvas @returns {CanvasRenderingContext2D} */
const contextOf = (canvas, options = {}) =>
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", options));

/** The frame shown now, grey, at the size of the largest place that shows it. */
export class Base {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = contextOf(this.canvas, { alpha: false });
    this.ready = false;
  }

  /** @param {number} width @param {number} height device pixels */
  fit(width, height) {
    if (this.canvas.width === width && this.canvas.height === height) return false;
    [this.canvas.width, this.canvas.height] = [width, height];
    return true;
  }

  /** @param {CanvasImageSource | null} source */
  draw(source) {
    if (!source || this.canvas.width < 2) return;
    const { width, height } = this.canvas;
    this.context.globalCompositeOperation = "source-over";
    this.context.drawImage(source, 0, 0, width, height);
    this.context.globalCompositeOperation = "saturation"; // of grey: none
    this.context.fillStyle = "#808080";
    this.context.fillRect(0, 0, width, height);
    this.ready = true;
  }
}

/** One map over the frame, in a frame of the page. */
export class Picture {
  /** @param {HTMLElement} frame with a canvas inside */
  constructor(frame) {
    this.frame = frame;
    this.canvas = /** @type {HTMLCanvasElement} */ (frame.querySelector("canvas"));
    this.context = contextOf(this.canvas, { alpha: false });
    this.small = document.createElement("canvas");
    this.smallContext = contextOf(this.small, { willReadFrequently: true });
    this.fit();
  }

  /** Follow the page's layout; reading it is for resizes only. @returns {boolean} whether it changed */
  fit() {
    return fit(this.canvas, this.frame);
  }

  /** @param {Base} base @param {CanvasImageSource | null} [under] over the frame, below the map */
  ground(base, under = null) {
    const { width, height } = this.canvas;
    this.context.globalAlpha = 1;
    this.context.imageSmoothingEnabled = true;
    this.context.drawImage(base.canvas, 0, 0, width, height);
    if (!under) return;
    this.context.globalAlpha = 0.9;
    this.context.drawImage(under, 0, 0, width, height);
  }

  /** @param {Track} track @param {Look} look @param {number} t */
  map(track, look, t) {
    const { view } = look;
    const [rows, cols] = view.smooth ? [FINE, FINE] : [track.rows, track.cols];
    this.#resize(rows, cols);
    const data = view.smooth ? fineOf(track) : /** @type {Float32Array} */ (track.data);
    colour(this.pixels, data, moment(track.times, t, view.raw), spanOf(track, look), look.lookup);
    this.smallContext.putImageData(this.image, 0, 0);
    this.context.globalAlpha = view.opacity / 100;
    this.context.imageSmoothingEnabled = view.smooth;
    this.context.drawImage(this.small, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** @param {number} rows @param {number} cols */
  #resize(rows, cols) {
    if (this.image?.width === cols && this.image.height === rows) return;
    [this.small.width, this.small.height] = [cols, rows];
    this.image = this.smallContext.createImageData(cols, rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }
}

/**
 * Mix two maps of a stack and colour them, in one go.
 * @param {Uint32Array} pixels one map's @param {Float32Array} data [T, size]
 * @param {import("./moments.js").Moment} at @param {[number, number]} range @param {Uint32Array} lookup
 */
function colour(pixels, data, { low, high, part }, [bottom, top], lookup) {
  const size = pixels.length;
  const factor = top > bottom ? 255 / (top - bottom) : 0;
  const [from, to] = [low * size, high * size];
  for (let i = 0; i < size; i += 1) {
    const a = data[from + i];
    const step = ((a + (data[to + i] - a) * part - bottom) * factor + 0.5) | 0;
    pixels[i] = lookup[step < 0 ? 0 : step > 255 ? 255 : step];
  }
}
