// Lines as a chart has them: rising places `xs` with values `ys`, of which `count` are valid.

/** @param {ArrayLike<number>} sorted @param {number} count @param {number} value @returns {number} first index not below */
export function lowerBound(sorted, count, value) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Mean and range of several lines on one grid of places.
 * @param {{xs: ArrayLike<number>, ys: ArrayLike<number>, count: number}[]} lines @param {number} [places]
 */
export function band(lines, places = 400) {
  const end = Math.max(0, ...lines.map((line) => (line.count ? line.xs[line.count - 1] : 0)));
  const start = Math.min(end, ...lines.map((line) => (line.count ? line.xs[0] : end)));
  const out = { xs: new Float32Array(places), ys: new Float32Array(places), low: new Float32Array(places), high: new Float32Array(places), count: 0 };
  for (let place = 0; place < places; place += 1) {
    const x = start + ((end - start) * place) / Math.max(1, places - 1);
    const values = lines.flatMap((line) => value(line, x) ?? []);
    if (values.length === 0) continue;
    const at = out.count;
    out.xs[at] = x;
    out.ys[at] = values.reduce((sum, one) => sum + one, 0) / values.length;
    out.low[at] = Math.min(...values);
    out.high[at] = Math.max(...values);
    out.count += 1;
  }
  return out;
}

/** @param {{xs: ArrayLike<number>, ys: ArrayLike<number>, count: number}} line @param {number} x @returns {number | null} */
export function value({ xs, ys, count }, x) {
  if (count === 0 || x < xs[0] - 1e-6 || x > xs[count - 1] + 1e-6) return null;
  const right = Math.min(count - 1, lowerBound(xs, count, x));
  if (right === 0 || xs[right] === x) return ys[right];
  const part = (x - xs[right - 1]) / (xs[right] - xs[right - 1]);
  return ys[right - 1] + (ys[right] - ys[right - 1]) * Math.min(1, part);
}
