// Colormaps: lookup tables of 256 colours from static/colormaps.json, which the server uses too.

/** @typedef {{title: string, kind: "sequential" | "diverging", rgb: string}} Table */

/** @type {Record<string, Uint8Array>} */
const decoded = {};

/** @param {string} name @param {Table} table @returns {Uint8Array} 256 x RGB */
function bytes(name, table) {
  decoded[name] ??= Uint8Array.from(atob(table.rgb), (letter) => letter.charCodeAt(0));
  return decoded[name];
}

/** How much a colour covers: fully from half of the scale on, so that low values leave no black holes. @param {number} height 0..1 */
const opacity = (height) => Math.min(1, 2 * height);

/** Colour lookups for one set of tables. */
export class Colours {
  /** @param {Record<string, Table>} maps */
  constructor(maps) {
    this.maps = maps;
  }

  /** @param {"sequential" | "diverging"} kind @returns {string[]} */
  names(kind) {
    return Object.keys(this.maps).filter((name) => this.maps[name].kind === kind);
  }

  /** @param {string} name @param {string} otherwise @returns {string} a name that exists */
  known(name, otherwise) {
    return name in this.maps ? name : otherwise;
  }

  /**
   * RGBA by index: where a map is low, the photo shows through (see `opacity`); below the threshold
   * nothing is drawn. A diverging map is low around its middle.
   * @param {string} name @param {number} threshold 0..1 @returns {Uint32Array}
   */
  lookup(name, threshold) {
    const rgb = bytes(name, this.maps[name]);
    const diverging = this.maps[name].kind === "diverging";
    const out = new Uint32Array(256);
    const view = new DataView(out.buffer);
    for (let step = 0; step < 256; step += 1) {
      const height = diverging ? Math.abs(step - 127.5) / 127.5 : step / 255;
      const shown = threshold === 0 || height >= threshold;
      view.setUint8(4 * step, rgb[3 * step]);
      view.setUint8(4 * step + 1, rgb[3 * step + 1]);
      view.setUint8(4 * step + 2, rgb[3 * step + 2]);
      view.setUint8(4 * step + 3, shown ? Math.round(255 * opacity(height)) : 0);
    }
    return out;
  }
}

/**
 * Paint values through a lookup table.
 * @param {HTMLCanvasElement} canvas @param {Float32Array} field values, one a pixel
 * @param {[number, number]} range @param {Uint32Array} lookup
 */
export function paint(canvas, field, [low, high], lookup) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const factor = high > low ? 255 / (high - low) : 0;
  for (let index = 0; index < pixels.length; index += 1) {
    const step = Math.round((field[index] - low) * factor);
    pixels[index] = lookup[step < 0 ? 0 : step > 255 ? 255 : step];
  }
  context.putImageData(image, 0, 0);
}
