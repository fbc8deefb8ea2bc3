// Where a map is bright, in words: from its peak and its mass.

/** @typedef {import("../lib/maps.js").Grid} Grid */
/** @typedef {{cells: number[], mass: number, x: number, y: number, left: number, right: number, top: number, bottom: number}} Spot in fractions of the photo */

const COARSE = 8; // places a side: words name no smaller ones
const BRIGHT = 0.7; // of the highest: what belongs to a spot
const PEAK = 0.9; // of a spot's highest: what its peak is the middle of
const WORTH = 0.25; // of all spots' mass: what is worth a word
const EVEN = 0.8; // of an even map's spread
const DIM = 0.25; // of the highest: what is not seen beside it
// Of the places, columns or rows, what holds half of the light: of an even map, half of them.
const MOST = 0.25; // of the places
const ALONG = 0.35; // of the columns or rows: from side to side
const THIN = 0.12; // of the rows or columns: no more than an edge
const [LOW, HIGH] = [0.42, 0.58]; // what lies between is in the middle

export const ALL_OVER = "all over the picture";
export const NOWHERE = "nowhere in particular";

/**
 * @param {Grid} map @param {[number, number]} range the values that darkness and full light stand for
 * @returns {string} "the upper left", "a band across the bottom", "the top and the right side"
 */
export function placeWords(map, [low, high]) {
  if (map.max - map.min < 0.1 * map.max) return ALL_OVER; // a mask that hardly differs between places
  if (!(high > low) || map.max <= low) return NOWHERE;
  const light = coarse(map, (value) => Math.min(1, Math.max(0, (value - low) / (high - low))));
  const mass = sum(light.data);
  const spread = mass ** 2 / (light.data.length * sum(light.data.map((value) => value * value)));
  if (spread > EVEN) return ALL_OVER;
  const wide = band(light);
  if (wide) return wide;
  const all = spots(light);
  const total = sum(all.map((spot) => spot.mass));
  const worth = all.filter((spot, index) => index === 0 || spot.mass >= WORTH * total);
  if (worth.length > 2) return "several places";
  return [...new Set(worth.map((spot) => place(spot)))].join(" and ");
}

/** @param {ArrayLike<number>} values */
const sum = (values) => Array.from(values).reduce((total, value) => total + value, 0);

/** The smallest share of the values that holds half of their sum. @param {number[]} values */
function halfIn(values) {
  let left = sum(values) / 2;
  let count = 0;
  for (const value of [...values].sort((a, b) => b - a)) {
    if (left <= value) return (count + left / value) / values.length;
    left -= value;
    count += 1;
  }
  return 1;
}

/** Words for light that is spread over the picture or from side to side, whatever its peak; else "". @param {{rows: number, cols: number, data: Float64Array}} map */
function band({ rows, cols, data }) {
  const [along, down] = [new Array(cols).fill(0), new Array(rows).fill(0)];
  const floor = DIM * Math.max(...data);
  const light = Array.from(data, (value) => (value < floor ? 0 : value));
  light.forEach((value, at) => {
    along[at % cols] += value;
    down[Math.floor(at / cols)] += value;
  });
  const [width, height] = [halfIn(along), halfIn(down)];
  if (halfIn(light) >= MOST) return "most of the picture";
  if (width >= ALONG === height >= ALONG) return "";
  const [side, level] = [sideOf(middle(along)), levelOf(middle(down))];
  if (width >= ALONG) return height <= THIN && level ? `the ${level} edge` : `a band across the ${level || "middle"}`;
  return width <= THIN && side ? `the ${side} edge` : `a band down the ${side || "middle"}`;
}

/** Where the light's centre is, in fractions. @param {number[]} values */
const middle = (values) => values.reduce((total, value, at) => total + value * (at + 0.5), 0) / sum(values) / values.length;
/** @param {number} x */
const sideOf = (x) => (x < LOW ? "left" : x > HIGH ? "right" : "");
/** @param {number} y */
const levelOf = (y) => (y < LOW ? "top" : y > HIGH ? "bottom" : "");

/** Means over blocks, so that no side has more than COARSE places. @param {Grid} map @param {(value: number) => number} light */
function coarse({ rows, cols, data }, light) {
  const [down, along] = [Math.ceil(rows / COARSE), Math.ceil(cols / COARSE)];
  const [height, width] = [Math.ceil(rows / down), Math.ceil(cols / along)];
  const totals = new Float64Array(height * width);
  const counts = new Float64Array(height * width);
  data.forEach((value, index) => {
    const at = Math.floor(Math.floor(index / cols) / down) * width + Math.floor((index % cols) / along);
    totals[at] += light(value);
    counts[at] += 1;
  });
  return { rows: height, cols: width, data: totals.map((total, at) => total / counts[at]) };
}

/**
 * The bright spots, connected by their sides; the one with the peak first, the others by mass.
 * @param {{rows: number, cols: number, data: Float64Array}} map @returns {Spot[]}
 */
function spots(map) {
  const { rows, cols, data } = map;
  const highest = Math.max(...data);
  const open = new Set([...data.keys()].filter((at) => data[at] >= BRIGHT * highest));
  const found = [];
  for (const start of open) {
    const cells = [start];
    open.delete(start);
    for (const at of cells) {
      const col = at % cols;
      for (const next of [at - cols, at + cols, col > 0 ? at - 1 : -1, col < cols - 1 ? at + 1 : -1]) {
        if (open.delete(next)) cells.push(next);
      }
    }
    found.push(measure(cells, map));
  }
  const peak = data.indexOf(highest);
  return found.sort((a, b) => Number(b.cells.includes(peak)) - Number(a.cells.includes(peak)) || b.mass - a.mass);
}

/** Its centre lies half way between its peak and its centre of mass. @param {number[]} cells @param {{rows: number, cols: number, data: Float64Array}} map @returns {Spot} */
function measure(cells, { rows, cols, data }) {
  const highest = Math.max(...cells.map((at) => data[at]));
  const peak = cells.filter((at) => data[at] >= PEAK * highest);
  const x = (/** @type {number} */ at) => ((at % cols) + 0.5) / cols;
  const y = (/** @type {number} */ at) => (Math.floor(at / cols) + 0.5) / rows;
  const mass = (/** @type {number[]} */ of) => sum(of.map((at) => data[at]));
  const mean = (/** @type {number[]} */ some, /** @type {(at: number) => number} */ of) =>
    sum(some.map((at) => of(at) * data[at])) / mass(some);
  const centre = (/** @type {(at: number) => number} */ of) => (mean(peak, of) + mean(cells, of)) / 2;
  const [xs, ys] = [cells.map(x), cells.map(y)];
  return {
    cells, mass: mass(cells), x: centre(x), y: centre(y),
    left: Math.min(...xs) - 0.5 / cols, right: Math.max(...xs) + 0.5 / cols,
    top: Math.min(...ys) - 0.5 / rows, bottom: Math.max(...ys) + 0.5 / rows,
  };
}

/** @param {Spot} spot @returns {string} */
function place({ x, y, left, right, top, bottom }) {
  const [width, height] = [right - left, bottom - top];
  const [side, level] = [sideOf(x), levelOf(y)];
  if (side && level) {
    const near = width < 0.35 && height < 0.35;
    const corner = near && (left < 0.01 || right > 0.99) && (top < 0.01 || bottom > 0.99);
    return corner ? `the ${level} ${side} corner` : `the ${level === "top" ? "upper" : "lower"} ${side}`;
  }
  if (side) return `the ${side} side`;
  return level ? `the ${level}` : "the middle";
}
