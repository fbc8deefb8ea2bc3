// Two ways to draw a map over a photo: as light (colour and brightness follow it, the photo stays
// visible), and as heat (colours of a table over the grey photo). The browser scales and mixes.

/** @typedef {{rows: number, cols: number, steps: Uint8ClampedArray, smooth: boolean}} Field 0: the dark end, 255: full light */

const [DIM, GAIN] = [0.28, 0.82]; // brightness on a dark ground: without light, and what light adds
const TOP = DIM + GAIN;
const [INK, FOG] = [0.35, 0.6]; // on paper, what has no light: so much of its grey, over this white

/** How much colour a place keeps. @param {number} value of the map on its scale, 0..1 @returns {number} 0..1 */
export const lightOf = (value) => value ** 0.8;

/** @param {(light: number) => [number, number]} of grey and alpha, 0..1 */
const table = (of) => Uint32Array.from({ length: 256 }, (_, step) => {
  const [grey, alpha] = of(lightOf(step / 255)).map((one) => Math.round(255 * one));
  return ((alpha << 24) | (grey << 16) | (grey << 8) | grey) >>> 0;
});
const KEEP = table((light) => [1, light]);
const SHADE = table((light) => [(DIM + GAIN * light) / TOP, 1]);

/** @returns {boolean} whether the page is dark now */
export function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** @param {HTMLCanvasElement} canvas */
const contextOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

/**
 * The part of a picture that has a shape: all of it, or its middle where networks see no more.
 * @param {any} source image, video or canvas @param {number} shape width by height
 * @returns {[number, number, number, number]} left, top, width, height
 */
function middle(source, shape) {
  const width = source.naturalWidth || source.videoWidth || source.width;
  const height = source.naturalHeight || source.videoHeight || source.height;
  if (Math.abs(width / height / shape - 1) < 0.05) return [0, 0, width, height]; // rounding, and pixels that are no squares
  const [w, h] = width / height > shape ? [height * shape, height] : [width, width / shape];
  return [(width - w) / 2, (height - h) / 2, w, h];
}

export class Spotlight {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = contextOf(canvas);
    [this.photo, this.grey, this.kept] = [0, 1, 2].map(() => {
      const layer = document.createElement("canvas");
      [layer.width, layer.height] = [canvas.width, canvas.height];
      return contextOf(layer);
    });
    this.small = contextOf(document.createElement("canvas"));
    this.ready = false;
  }

  /** The photo, or another frame of a clip. @param {CanvasImageSource} source @param {CanvasImageSource | null} [inGrey] the same without colour, if there is one */
  take(source, inGrey = null) {
    const { photo, grey } = this;
    this.ready = true;
    this.#fill(photo, source);
    this.#fill(grey, inGrey ?? source);
    if (inGrey) return;
    grey.globalCompositeOperation = "saturation"; // of grey: none
    grey.fillStyle = "#808080";
    grey.fillRect(0, 0, grey.canvas.width, grey.canvas.height);
  }

  /** A picture without a map. @param {CanvasImageSource} [source] else the one that was taken */
  bare(source = this.photo.canvas) {
    this.#fill(this.context, source);
  }

  /**
   * With s = value^0.8, on a dark ground (grey + s (colour - grey)) (0.28 + 0.82 s); on paper
   * (0.35 grey + 0.6) + s (colour - (0.35 grey + 0.6)).
   * @param {Field} field @param {boolean} dark the page's ground
   */
  light(field, dark) {
    const { context, photo, grey, kept, canvas } = this;
    this.#fill(kept, photo.canvas);
    this.#map(kept, field, KEEP, "destination-in");
    if (dark) {
      this.#fill(context, grey.canvas);
    } else {
      this.#fill(context, null, `rgb(${255 * FOG} ${255 * FOG} ${255 * FOG})`);
      this.#add(grey.canvas, INK);
    }
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    context.drawImage(kept.canvas, 0, 0);
    if (!dark) return;
    this.#add(canvas, TOP - 1); // no canvas multiplies by more than 1
    this.#map(context, field, SHADE, "multiply");
  }

  /** @param {Field} field @param {Uint32Array} lookup RGBA by step @param {number} opacity 0..1 */
  heat(field, lookup, opacity) {
    this.#fill(this.context, this.grey.canvas);
    this.#map(this.context, field, lookup, "source-over", opacity);
  }

  /** @param {CanvasRenderingContext2D} context @param {CanvasImageSource | null} source @param {string} [colour] instead */
  #fill(context, source, colour = "") {
    const { width, height } = this.canvas;
    context.globalAlpha = 1;
    context.globalCompositeOperation = "copy";
    context.imageSmoothingEnabled = true;
    context.fillStyle = colour;
    if (source) context.drawImage(source, ...middle(source, width / height), 0, 0, width, height);
    else context.fillRect(0, 0, width, height);
  }

  /** @param {HTMLCanvasElement} source @param {number} share */
  #add(source, share) {
    this.context.globalCompositeOperation = "lighter";
    this.context.globalAlpha = share;
    this.context.drawImage(source, 0, 0);
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {Field} field @param {Uint32Array} lookup
   * @param {GlobalCompositeOperation} how @param {number} [alpha]
   */
  #map(context, { rows, cols, steps, smooth }, lookup, how, alpha = 1) {
    const { canvas } = this.small;
    if (canvas.width !== cols || canvas.height !== rows) [canvas.width, canvas.height] = [cols, rows];
    const image = this.small.createImageData(cols, rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at += 1) pixels[at] = lookup[steps[at]];
    this.small.putImageData(image, 0, 0);
    context.globalAlpha = alpha;
    context.globalCompositeOperation = how;
    context.imageSmoothingEnabled = smooth;
    context.drawImage(canvas, 0, 0, this.canvas.width, this.canvas.height);
  }
}
