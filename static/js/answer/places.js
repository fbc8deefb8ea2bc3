// Where a map is bright, in words: from its peak and its mass.

/** @typedef {import("../lib/maps.js").Grid} Grid */
/** @typedef {{cells: number[], mass: number, area: number, x: number, y: number, left: number, right: number, top: number, bottom: number}} Spot in fractions of the photo */

const COARSE = 8; // places a side: words name no smaller ones
const BRIGHT = 0.7; // of the highest: what belongs to a spot
const PEAK = 0.9; // of a spot's highest: what its peak is the middle of
const WORTH = 0.25; // of all spots' mass: what is worth a word
const EVEN = 0.8; // of an even map's spread

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
  const all = spots(light);
  const total = sum(all.map((spot) => spot.mass));
  const worth = all.filter((spot, index) => index === 0 || spot.mass >= WORTH * total);
  if (worth.length > 2) return "several places";
  return [...new Set(worth.map((spot) => place(spot)))].join(" and ");
}

/** @param {ArrayLike<number>} values */
const sum = (values) => Array.from(values).reduce((total, value) => total + value, 0);

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
    cells, mass: mass(cells), area: cells.length / (rows * cols), x: centre(x), y: centre(y),
    left: Math.min(...xs) - 0.5 / cols, right: Math.max(...xs) + 0.5 / cols,
    top: Math.min(...ys) - 0.5 / rows, bottom: Math.max(...ys) + 0.5 / rows,
  };
}

/** @param {Spot} spot @returns {string} */
function place({ area, x, y, left, right, top, bottom }) {
  const [width, height] = [right - left, bottom - top];
  const side = x < 0.42 ? "left" : x > 0.58 ? "right" : "";
  const level = y < 0.42 ? "top" : y > 0.58 ? "bottom" : "";
  if (area > 0.6) return "most of the picture";
  if (width > 0.8 && height <= 0.5) return height <= 0.2 && level ? `the ${level} edge` : `a band across the ${level || "middle"}`;
  if (height > 0.8 && width <= 0.5) return width <= 0.2 && side ? `the ${side} edge` : `a band down the ${side || "middle"}`;
  if (side && level) {
    const near = width < 0.35 && height < 0.35;
    const corner = near && (left < 0.01 || right > 0.99) && (top < 0.01 || bottom > 0.99);
    return corner ? `the ${level} ${side} corner` : `the ${level === "top" ? "upper" : "lower"} ${side}`;
  }
  if (side) return `the ${side} side`;
  return level ? `the ${level}` : "the middle";
}
