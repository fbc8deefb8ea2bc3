// Where an axis has its marks, and what they say.

/** @param {number} low @param {number} high @param {number} most @param {boolean} [whole] @returns {number[]} */
export function ticks(low, high, most, whole = false) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  if (whole) step = Math.max(1, Math.round(step));
  const out = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n += 1) out.push(n * step);
  return out;
}

/** Powers of ten with 2 and 5 between where there is room. @param {number} low @param {number} high @returns {number[]} */
export function logTicks(low, high) {
  const decades = Math.log10(high / low);
  const factors = decades > 3 ? [1] : [1, 2, 5];
  const out = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of factors) out.push(factor * 10 ** power);
  }
  const inside = out.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  return inside.length > 1 ? inside : ticks(low, high, 4);
}

/** @param {number} value @returns {string} as short as it stays true */
export function tickText(value) {
  const size = Math.abs(value);
  const text = size !== 0 && size < 0.001 ? value.toExponential(0).replace("e-", "e\u2212") : String(Number(value.toPrecision(6)));
  return size >= 10000 ? value.toLocaleString("en") : text.replace(/^-/, "\u2212");
}

/** An axis: values to pixels and back, linear or logarithmic. */
export class Axis {
  /** @param {number} low @param {number} high @param {number} start px @param {number} end px @param {boolean} [log] */
  constructor(low, high, start, end, log = false) {
    this.log = log && low > 0;
    this.low = low;
    this.high = high > low ? high : low + 1;
    this.start = start;
    this.a = this.log ? Math.log(this.low) : this.low;
    this.scale = (end - start) / ((this.log ? Math.log(this.high) : this.high) - this.a);
  }

  /** @param {number} value @returns {number} px */
  to(value) {
    return this.start + ((this.log ? Math.log(Math.max(value, 1e-12)) : value) - this.a) * this.scale;
  }

  /** @param {number} px @returns {number} */
  from(px) {
    const value = this.a + (px - this.start) / this.scale;
    return this.log ? Math.exp(value) : value;
  }
}
