// Lanes of the timeline as SVG: the width is stretched, the strokes are not.

import { make, svg } from "../lib/dom.js";

const [WIDE, HIGH] = [1000, 100];

/**
 * A line through the snippets, held before the first and after the last; raw ones are steps.
 * @param {number[]} at fractions of the width @param {number[]} values 0..1 @param {boolean} raw
 * @returns {string} points of a path, without its start
 */
function line(at, values, raw) {
  const x = (/** @type {number} */ fraction) => (WIDE * fraction).toFixed(1);
  const y = (/** @type {number} */ value) => (HIGH * (1 - Math.min(1, Math.max(0, value)))).toFixed(1);
  const points = [`0,${y(values[0])}`];
  at.forEach((fraction, k) => {
    if (raw && k > 0) {
      const middle = x((at[k - 1] + fraction) / 2);
      points.push(`${middle},${y(values[k - 1])}`, `${middle},${y(values[k])}`);
    } else if (!raw) points.push(`${x(fraction)},${y(values[k])}`);
  });
  points.push(`${WIDE},${y(values[values.length - 1])}`);
  return points.join(" ");
}

/** @param {Element[]} parts */
const drawing = (parts) =>
  svg("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ...parts);

/**
 * @param {number[]} at @param {import("./timeline.js").Score[]} scores @param {boolean} raw
 * @returns {Element[]}
 */
export function scoresLane(at, scores, raw) {
  if (at.length === 0) return [];
  const parts = scores.map(({ values, target }, index) =>
    svg("polyline", { points: line(at, values, raw), class: `line-${target ? "target" : index}` }),
  );
  const half = svg("line", { x1: 0, x2: WIDE, y1: HIGH / 2, y2: HIGH / 2, class: "half-line" });
  const dots = scores.flatMap(({ values, target }, index) =>
    values.map((value, k) => {
      const dot = make(`i.point.line-${target ? "target" : index}`);
      dot.style.left = `${100 * at[k]}%`;
      dot.style.top = `${100 * (1 - value)}%`;
      return dot;
    }),
  );
  return [drawing([half, ...parts.reverse()]), ...dots];
}

/**
 * @param {number[]} at @param {import("./timeline.js").Energy} energy @param {boolean} raw
 * @returns {Element}
 */
export function energyLane(at, { stream, values }, raw) {
  const lane = make(`div.lane.energy.${stream}`);
  if (!values || at.length === 0) return lane;
  const top = Math.max(...values) || 1;
  const points = line(at, values.map((value) => value / top), raw);
  lane.append(drawing([svg("polygon", { points: `0,${HIGH} ${points} ${WIDE},${HIGH}` }), svg("polyline", { points })]));
  return lane;
}
