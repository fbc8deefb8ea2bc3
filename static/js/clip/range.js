// A range of the clip: dragged on the timeline or set with two keys, then explained alone.
import { part } from "../lib/dom.js";
import { seconds } from "./moments.js";
import { parseRange } from "./view.js";

const SHORTEST = 0.05; // seconds

/**
 * @param {import("./timeline.js").Timeline} timeline @param {import("./view.js").ViewState} state
 * @param {() => import("./clock.js").Clock} clock @param {(from: number, to: number) => void} explain
 */
export function bindRange(timeline, state, clock, explain) {
  /** @param {string} text */
  const show = (text) => {
    const range = parseRange(text);
    timeline.choose(range);
    part("range").hidden = !range;
    if (range) part("range-words").textContent = `${seconds(range[0])} to ${seconds(range[1])}`;
  };
  /** @param {[number, number] | null} range */
  const set = (range) => {
    const text = range && range[1] - range[0] >= SHORTEST ? range.map((end) => end.toFixed(2)).join("-") : "";
    state.set({ range: text });
    show(text);
  };
  /** The other end stays, or is the clip's. @param {0 | 1} end */
  const mark = (end) => {
    const range = parseRange(state.now.range) ?? [0, timeline.duration];
    const now = clock().head;
    range[end] = now;
    if (range[1] <= range[0]) range[1 - end] = end === 0 ? timeline.duration : 0;
    set(/** @type {[number, number]} */ (range));
  };
  part("explain-range").addEventListener("click", () => {
    const range = parseRange(state.now.range);
    if (range) explain(...range);
  });
  part("clear-range").addEventListener("click", () => {
    set(null);
    timeline.plot.focus();
  });
  return { show, set, mark };
}
