// Draws lines with their axes with either backend. Each pixel column of a long line keeps its extremes.
import { lowerBound } from "./lines.js";
import { Axis, logTicks, ticks, tickText } from "./ticks.js";

/**
 * @typedef {object} Line
 * @property {string} id       of the run or the group that it belongs to
 * @property {ArrayLike<number>} xs  rising
 * @property {ArrayLike<number>} ys
 * @property {number} count    how many of them are valid
 * @property {string} colour
 * @property {number} width
 * @property {number[]} [dash]
 * @property {number} [alpha]
 * @property {boolean} [dots]
 * @property {ArrayLike<number>} [low]   a band around it
 * @property {ArrayLike<number>} [high]
 */
/**
 * @typedef {object} Look
 * @property {string} title
 * @property {string} xTitle
 * @property {string} unit     behind the marks of the y axis
 * @property {boolean} log     y
 * @property {boolean} [xLog]
 * @property {boolean} [whole]  x is counted, from 1 on: marks and readings are whole numbers
 * @property {[number, number]} [limits] values that cannot be passed
 * @property {[number, number] | null} view  the stretch of x that is shown; null: all
 * @property {Record<string, string>} colours ink, muted, line, accent
 */
/** @typedef {{x: Axis, y: Axis, left: number, top: number, width: number, height: number}} Frame */

const MARGIN = { left: 50, right: 10, top: 30, bottom: 38 };

/** @param {Line[]} lines @param {Look} look @param {number} width @param {number} height @returns {Frame} */
export function frame(lines, look, width, height) {
  const [from, to] = look.view ?? wholeX(lines, look);
  const [low, high] = rangeY(lines, look, from, to);
  const box = { left: MARGIN.left, top: MARGIN.top, width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const x = new Axis(from, to, box.left, box.left + box.width, look.xLog);
  return { ...box, x, y: new Axis(low, high, box.top + box.height, box.top, look.log) };
}

/** @param {Line[]} lines @param {Look} look @returns {[number, number]} */
function wholeX(lines, look) {
  const ends = lines.filter((line) => line.count > 0);
  const to = Math.max(...ends.map((line) => line.xs[line.count - 1]), look.xLog ? 1e-6 : 1);
  if (look.whole) return [1, Math.max(to, 2)];
  return [look.xLog ? Math.min(to / 10, ...ends.map((line) => line.xs[0])) : 0, ends.length ? to : 1];
}

/** @param {Line[]} lines @param {Look} look @param {number} from @param {number} to @returns {[number, number]} */
function rangeY(lines, look, from, to) {
  let low = Infinity;
  let high = -Infinity;
  for (const { xs, ys, count, low: lows, high: highs } of lines) {
    const end = Math.min(count, lowerBound(xs, count, to) + 1);
    for (let index = Math.max(0, lowerBound(xs, count, from) - 1); index < end; index += 1) {
      const [least, most] = [(lows ?? ys)[index], (highs ?? ys)[index]];
      if (least < low && (!look.log || least > 0)) low = least;
      if (most > high) high = most;
    }
  }
  if (!Number.isFinite(low) || !Number.isFinite(high)) return look.limits?.[1] === 100 ? [0, 100] : [look.log ? 0.1 : 0, 1];
  if (look.log) return [low / 1.1, high * 1.1];
  const room = 0.05 * (high - low || Math.abs(high) || 1);
  const [least, most] = look.limits ?? [-Infinity, Infinity];
  return [Math.max(least, low - room), Math.min(most, high + room)];
}

/**
 * The points of a line in pixels; at most four a pixel column: first, extremes, last.
 * @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys @param {number} count @param {Frame} place
 * @returns {number[]}
 */
export function outline(xs, ys, count, { x, y, left, width }) {
  const start = Math.max(0, lowerBound(xs, count, x.low) - 1);
  const end = Math.min(count, lowerBound(xs, count, x.high) + 1);
  const out = [];
  if (end - start <= 2 * width) {
    for (let index = start; index < end; index += 1) out.push(x.to(xs[index]), y.to(ys[index]));
    return out;
  }
  let column = -Infinity;
  let [low, high, last] = [0, 0, 0];
  const close = () => Number.isFinite(column) && out.push(column, y.to(low), column, y.to(high), column, y.to(last));
  for (let index = start; index < end; index += 1) {
    const at = Math.min(left + width + 1, Math.max(left - 1, Math.round(x.to(xs[index]))));
    const here = ys[index];
    if (at !== column) {
      close();
      column = at;
      low = here;
      high = here;
      out.push(at, y.to(here));
    }
    if (here < low) low = here;
    if (here > high) high = here;
    last = here;
  }
  close();
  return out;
}

/** @param {import("./draw-backend.js").DrawBackend} backend @param {Frame} place @param {Look} look */
function drawAxes(backend, { x, y, left, top, width, height }, look) {
  const { ink, muted, line } = look.colours;
  const bottom = top + height;
  backend.text(left, 12, look.title, { colour: ink, size: 13, bold: true });
  for (const value of y.log ? logTicks(y.low, y.high) : ticks(y.low, y.high, height / 44)) {
    const at = Math.round(y.to(value)) + 0.5;
    backend.path([left, at, left + width, at], { colour: line });
    backend.text(left - 8, at, tickText(value) + look.unit, { colour: muted, align: "right" });
  }
  for (const value of x.log ? logTicks(x.low, x.high) : ticks(x.low, x.high, width / 70, look.whole)) {
    const at = Math.round(x.to(value)) + 0.5;
    backend.path([at, bottom, at, bottom + 4], { colour: muted });
    backend.text(at, bottom + 14, tickText(value), { colour: muted, align: "center" });
  }
  backend.path([left, bottom + 0.5, left + width, bottom + 0.5], { colour: muted });
  backend.text(left + width, bottom + 30, look.xTitle, { colour: muted, align: "right" });
}

/** @param {import("./draw-backend.js").DrawBackend} backend @param {Frame} place @param {Line} line */
function drawLine(backend, place, line) {
  const { xs, ys, count, colour, width, dash, alpha } = line;
  if (count === 0) return;
  if (line.low && line.high) {
    const up = outline(xs, line.high, count, place);
    const down = outline(xs, line.low, count, place);
    const back = [];
    for (let index = down.length - 2; index >= 0; index -= 2) back.push(down[index], down[index + 1]);
    backend.area([...up, ...back], colour, 0.14);
  }
  const points = outline(xs, ys, count, place);
  backend.path(points, { colour, width, dash, alpha });
  if (line.dots && points.length / 2 <= place.width / 14) {
    for (let index = 0; index < points.length; index += 2) backend.dot(points[index], points[index + 1], 2.6, colour);
  }
}

/** @param {import("./draw-backend.js").DrawBackend} backend @param {Line[]} lines @param {Look} look @param {Frame} place */
export function drawFigure(backend, lines, look, place) {
  drawAxes(backend, place, look);
  backend.inside(place.left - 3, place.top - 3, place.width + 6, place.height + 6, () => {
    for (const line of lines) drawLine(backend, place, line);
  });
}
