// Arithmetic on maps: no page, no colour. A Grid is one map [rows, cols] with its facts.

/**
 * @typedef {object} Grid
 * @property {number} rows
 * @property {number} cols
 * @property {Float32Array} data  row by row
 * @property {number} min
 * @property {number} max
 * @property {number} sum
 * @property {number} peak  index of the largest value
 */

/** @param {number} rows @param {number} cols @param {Float32Array} data @returns {Grid} */
export function grid(rows, cols, data) {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let peak = 0;
  data.forEach((value, index) => {
    if (value < min) min = value;
    if (value > max) [max, peak] = [value, index];
    sum += value;
  });
  return { rows, cols, data, min, max, sum, peak };
}

/**
 * One map of a [c, h, w] mask.
 * @param {import("./npy.js").NdArray} array @param {string} rule mean, max, l2 or a number
 * @returns {Grid | null} null where there is no such channel
 */
export function reduceChannels({ shape, data }, rule) {
  const [channels, rows, cols] = shape;
  const size = rows * cols;
  const single = Number.parseInt(rule, 10);
  if (!Number.isNaN(single)) {
    if (single < 0 || single >= channels) return null;
    return grid(rows, cols, data.slice(single * size, (single + 1) * size));
  }
  const out = new Float32Array(size);
  for (let place = 0; place < size; place += 1) {
    let total = rule === "max" ? -Infinity : 0;
    for (let c = 0; c < channels; c += 1) {
      const value = data[c * size + place];
      if (rule === "max") total = Math.max(total, value);
      else total += rule === "l2" ? value * value : value;
    }
    out[place] = rule === "max" ? total : rule === "l2" ? Math.sqrt(total) : total / channels;
  }
  return grid(rows, cols, out);
}

/**
 * The combining rule: each map's positive part scaled to 0..1, laid over the photo bilinearly, and
 * the maps averaged; one without contrast counts as 0. The same as ml/explain/combine.py.
 * @param {Grid[]} grids @param {number} rows @param {number} cols @returns {Grid}
 */
export function combine(grids, rows, cols) {
  const out = new Float32Array(rows * cols);
  for (const one of grids) {
    const positive = grid(one.rows, one.cols, one.data.map((value) => Math.max(0, value)));
    const range = positive.max - positive.min;
    if (range === 0) continue;
    sample(positive, cols, rows, true).forEach((value, index) => {
      out[index] += (value - positive.min) / range / grids.length;
    });
  }
  return grid(rows, cols, out);
}

/**
 * Lay a map over `width` x `height` pixels; places are areas, their centres carry the values.
 * @param {Grid} map @param {number} width @param {number} height @param {boolean} smooth
 * @returns {Float32Array}
 */
export function sample(map, width, height, smooth) {
  const xs = axis(width, map.cols, smooth);
  const ys = axis(height, map.rows, smooth);
  const out = new Float32Array(width * height);
  for (let y = 0, index = 0; y < height; y += 1) {
    const top = ys.low[y] * map.cols;
    const bottom = ys.high[y] * map.cols;
    const down = ys.part[y];
    for (let x = 0; x < width; x += 1, index += 1) {
      const [left, right, along] = [xs.low[x], xs.high[x], xs.part[x]];
      const a = map.data[top + left] + (map.data[top + right] - map.data[top + left]) * along;
      const b = map.data[bottom + left] + (map.data[bottom + right] - map.data[bottom + left]) * along;
      out[index] = a + (b - a) * down;
    }
  }
  return out;
}

/** @param {number} pixels @param {number} places @param {boolean} smooth */
function axis(pixels, places, smooth) {
  const low = new Uint16Array(pixels);
  const high = new Uint16Array(pixels);
  const part = new Float32Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const centre = ((pixel + 0.5) * places) / pixels;
    const position = Math.min(places - 1, Math.max(0, smooth ? centre - 0.5 : Math.floor(centre)));
    low[pixel] = Math.floor(position);
    high[pixel] = Math.min(places - 1, low[pixel] + 1);
    part[pixel] = position - low[pixel];
  }
  return { low, high, part };
}

/**
 * The place of a map under a cursor of the photo, and its own value there (never interpolated).
 * @param {Grid} map @param {{x: number, y: number}} cursor fractions
 */
export function valueAt(map, { x, y }) {
  const col = Math.min(map.cols - 1, Math.max(0, Math.floor(x * map.cols)));
  const row = Math.min(map.rows - 1, Math.max(0, Math.floor(y * map.rows)));
  return { row, col, value: map.data[row * map.cols + col] };
}

/** @param {Grid} map @returns {{x: number, y: number}} centre of the largest place, fractions */
export function peakPoint(map) {
  const row = Math.floor(map.peak / map.cols);
  return { x: ((map.peak % map.cols) + 0.5) / map.cols, y: (row + 0.5) / map.rows };
}

/** @param {Grid} map @returns {string} where it is highest, for screen readers */
export function peakWords(map) {
  const { x, y } = peakPoint(map);
  return `highest at ${Math.round(100 * x)} % from the left, ${Math.round(100 * y)} % from the top`;
}

/**
 * Entropy of a map's non-negative part, in bits, and its most possible (an even map).
 * @param {Grid} map @returns {{value: number, even: number}}
 */
export function entropy(map) {
  let total = 0;
  for (const value of map.data) total += Math.max(0, value);
  let value = 0;
  for (const one of map.data) {
    const share = Math.max(0, one) / total;
    if (share > 0) value -= share * Math.log2(share);
  }
  return { value: total > 0 ? value : NaN, even: Math.log2(map.data.length) };
}
