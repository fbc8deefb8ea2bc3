// The mean motion of each snippet: colours by direction, stronger where faster, and arrows.

const HUES = 256;
const FASTEST = 0.95; // of all places in the clip: a few outliers must not dim the rest
const STILL = 0.05; // px a frame: where nothing moves, noise stays faint

/**
 * Colours of a circle at even lightness (OKLCH 0.74, 0.14): red to the right, yellow down.
 * @returns {Uint8Array} HUES x RGB
 */
function circle() {
  const out = new Uint8Array(3 * HUES);
  for (let step = 0; step < HUES; step += 1) {
    const hue = (2 * Math.PI * step) / HUES + 0.45;
    const [a, b] = [0.14 * Math.cos(hue), 0.14 * Math.sin(hue)];
    const [l, m, s] = [
      (0.74 + 0.3963377774 * a + 0.2158037573 * b) ** 3,
      (0.74 - 0.1055613458 * a - 0.0638541728 * b) ** 3,
      (0.74 - 0.0894841775 * a - 1.291485548 * b) ** 3,
    ];
    const linear = [
      4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
      -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
      -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
    ];
    linear.forEach((value, channel) => {
      const clipped = Math.min(1, Math.max(0, value));
      const shown = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055;
      out[3 * step + channel] = Math.round(255 * shown);
    });
  }
  return out;
}

const COLOURS = circle();

/** @param {Uint8ClampedArray} pixels @param {number} index @param {number} x @param {number} y @param {number} strength 0..1 */
function put(pixels, index, x, y, strength) {
  const turn = Math.atan2(y, x) / (2 * Math.PI);
  const step = 3 * (Math.floor((turn < 0 ? turn + 1 : turn) * HUES) % HUES);
  pixels[4 * index] = COLOURS[step];
  pixels[4 * index + 1] = COLOURS[step + 1];
  pixels[4 * index + 2] = COLOURS[step + 2];
  pixels[4 * index + 3] = 255 * (strength > 1 ? 1 : strength);
}

export class Flow {
  /** @param {import("../lib/npy.js").NdArray} array [K, 2, h, w], px of the 224 square a frame @param {number[]} times */
  constructor({ shape, data }, times) {
    [, , this.rows, this.cols] = shape;
    this.data = data;
    this.times = times;
    this.size = this.rows * this.cols;
    this.fastest = this.#fastest(shape[0]);
    this.canvas = document.createElement("canvas");
    [this.canvas.width, this.canvas.height] = [this.cols, this.rows];
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { willReadFrequently: true }));
    this.image = this.context.createImageData(this.cols, this.rows);
    this.now = new Float32Array(2 * this.size);
  }

  /** @param {number} count @returns {number} speed that gets the full colour, px a frame */
  #fastest(count) {
    const speeds = new Float32Array(count * this.size);
    for (let k = 0; k < count; k += 1) {
      for (let i = 0; i < this.size; i += 1) {
        const at = 2 * k * this.size + i;
        speeds[k * this.size + i] = Math.hypot(this.data[at], this.data[at + this.size]);
      }
    }
    speeds.sort();
    return Math.max(STILL, speeds[Math.floor(FASTEST * (speeds.length - 1))]);
  }

  /** Mix to a moment and colour it. @param {import("./moments.js").Moment} at @returns {HTMLCanvasElement} */
  draw({ low, high, part }) {
    const { data, size, now } = this;
    const [from, to] = [2 * low * size, 2 * high * size];
    for (let i = 0; i < 2 * size; i += 1) now[i] = data[from + i] + (data[to + i] - data[from + i]) * part;
    for (let i = 0; i < size; i += 1) {
      put(this.image.data, i, now[i], now[i + size], Math.hypot(now[i], now[i + size]) / this.fastest);
    }
    this.context.putImageData(this.image, 0, 0);
    return this.canvas;
  }

  /**
   * Arrows of the moment last drawn, dark below light so that they stand out on anything.
   * @param {CanvasRenderingContext2D} context @param {number} width @param {number} height
   */
  arrows(context, width, height) {
    const across = Math.max(6, Math.min(18, Math.round(width / (26 * Math.min(2, devicePixelRatio || 1)))));
    const down = Math.max(4, Math.round((across * height) / width));
    const path = new Path2D();
    const longest = 0.95 * (width / across);
    for (let row = 0; row < down; row += 1) {
      for (let col = 0; col < across; col += 1) {
        const [x, y] = [(col + 0.5) / across, (row + 0.5) / down];
        const at = Math.floor(y * this.rows) * this.cols + Math.floor(x * this.cols);
        const [u, v] = [this.now[at] * (width / 224), this.now[at + this.size] * (height / 224)];
        const scale = longest / Math.max(this.fastest * (width / 224), Math.hypot(u, v));
        arrow(path, x * width, y * height, u * scale, v * scale);
      }
    }
    context.lineCap = "round";
    for (const [colour, thick] of /** @type {[string, number][]} */ ([["#000a", 3], ["#fff", 1.2]])) {
      context.strokeStyle = colour;
      context.lineWidth = thick * Math.min(2, devicePixelRatio || 1);
      context.stroke(path);
    }
  }
}

/** @param {Path2D} path @param {number} x @param {number} y @param {number} u @param {number} v */
function arrow(path, x, y, u, v) {
  const length = Math.hypot(u, v);
  if (length < 4) return; // still
  const [ex, ey] = [x + u, y + v];
  const head = Math.min(6, 0.4 * length) / length;
  path.moveTo(x, y);
  path.lineTo(ex, ey);
  path.moveTo(ex - head * (u + 0.6 * v), ey - head * (v - 0.6 * u));
  path.lineTo(ex, ey);
  path.lineTo(ex - head * (u - 0.6 * v), ey - head * (v + 0.6 * u));
}

/** The legend: every direction and speed at its colour. @param {HTMLCanvasElement} canvas */
export function drawWheel(canvas) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const side = canvas.width;
  const image = context.createImageData(side, side);
  for (let i = 0; i < side * side; i += 1) {
    const [x, y] = [((i % side) + 0.5) / side * 2 - 1, (Math.floor(i / side) + 0.5) / side * 2 - 1];
    const far = Math.hypot(x, y);
    if (far <= 1) put(image.data, i, x, y, far);
  }
  context.putImageData(image, 0, 0);
}
