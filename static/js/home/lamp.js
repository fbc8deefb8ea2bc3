// The spotlight: a photo has its colours where a map is high, and is grey elsewhere; on dark ground it is dim there too.

const POWER = 0.8;

/**
 * @param {Float32Array} values of a map, one a pixel @param {number} low dark @param {number} high full light
 * @returns {Uint8Array} light, 0 to 255
 */
export function light(values, low, high) {
  const out = new Uint8Array(values.length);
  const range = high > low ? high - low : Infinity;
  values.forEach((value, index) => {
    const share = (value - low) / range;
    out[index] = share <= 0 ? 0 : Math.round(255 * Math.min(1, share) ** POWER);
  });
  return out;
}

export class Lamp {
  /** @param {HTMLCanvasElement} canvas @param {HTMLImageElement} photo of the same shape */
  constructor(canvas, photo) {
    const { width, height } = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
    this.context.drawImage(photo, 0, 0, width, height);
    this.photo = this.context.getImageData(0, 0, width, height).data;
    this.image = this.context.createImageData(width, height);
    this.lit = new Uint8Array(width * height);
    this.sum = new Float32Array(width * height);
  }

  /**
   * @param {(Uint8Array | null)[]} fields light; null where the weight is 0
   * @param {number[]} weights add up to 1 @param {boolean} dark
   */
  draw(fields, weights, dark) {
    this.#mix(fields, weights);
    const [from, to] = [this.photo, this.image.data];
    for (let pixel = 0, at = 0; pixel < this.lit.length; pixel += 1, at += 4) {
      const s = this.lit[pixel] / 255;
      const grey = 0.299 * from[at] + 0.587 * from[at + 1] + 0.114 * from[at + 2];
      const factor = dark ? 0.28 + 0.82 * s : s;
      const ground = dark ? 0 : (0.35 * grey + 0.6 * 255) * (1 - s);
      to[at] = (grey + (from[at] - grey) * s) * factor + ground;
      to[at + 1] = (grey + (from[at + 1] - grey) * s) * factor + ground;
      to[at + 2] = (grey + (from[at + 2] - grey) * s) * factor + ground;
      to[at + 3] = 255;
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** @param {(Uint8Array | null)[]} fields @param {number[]} weights */
  #mix(fields, weights) {
    const used = fields.flatMap((field, index) => (field ? [{ field, weight: weights[index] }] : []));
    if (used.length === 1) return void this.lit.set(used[0].field);
    const { sum } = this;
    sum.fill(0);
    for (const { field, weight } of used) {
      for (let pixel = 0; pixel < sum.length; pixel += 1) sum[pixel] += weight * field[pixel];
    }
    this.lit.set(sum);
  }
}
