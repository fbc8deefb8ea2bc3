// The timeline: scores of classes, attention of each stream and stage, segments, the playhead.
import { make } from "../lib/dom.js";
import { percent, setText } from "../lib/format.js";
import { energyLane, scoresLane } from "./lanes.js";
import { mixed, moment, seconds } from "./moments.js";

const STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];
const TICK_PX = 64;

/** @typedef {{name: string, values: number[], target: boolean}} Score */
/** @typedef {{stream: string, stage: string, values: number[] | null}} Energy */

export class Timeline {
  /** @param {HTMLElement} root @param {number} duration seconds */
  constructor(root, duration) {
    const part = (/** @type {string} */ name) => /** @type {any} */ (root.querySelector(`[data-${name}]`));
    this.plot = part("plot");
    this.bands = part("bands");
    this.lanes = part("lanes");
    this.gutter = part("gutter");
    this.playhead = part("playhead");
    this.chosen = part("chosen");
    this.duration = duration;
    this.width = this.plot.clientWidth;
    /** @type {number[]} */
    this.times = [];
    /** @type {{score: Score, name: Element, value: Element}[]} */
    this.said = [];
    /** @type {number[][]} every class's score by snippet */
    this.moments = [];
    this.ruler = make("div.lane.ruler");
    this.scores = make("div.lane.scores");
    this.energies = make("div.energies");
    this.lanes.append(this.ruler, this.scores, this.energies);
    this.scoreNames = make("div.names.scores");
    this.energyNames = make("div.names.energies");
    this.gutter.append(make("div.names.ruler"), this.scoreNames, this.energyNames);
    this.#rule();
    new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width;
      this.#rule();
      this.head(this.at ?? 0);
    }).observe(this.plot);
  }

  /** @param {number} t @returns {number} fraction of the width */
  fraction(t) {
    return this.duration > 0 ? Math.min(1, Math.max(0, t / this.duration)) : 0;
  }

  #rule() {
    const least = (TICK_PX * this.duration) / Math.max(1, this.width);
    const step = STEPS.find((one) => one >= least) ?? 600;
    const count = Math.floor(this.duration / step + 1e-6);
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    this.ruler.replaceChildren(
      ...Array.from({ length: count + 1 }, (_, index) => {
        const tick = make("span.tick.num", { text: `${(index * step).toFixed(digits)}${index === 0 ? "\u202fs" : ""}` });
        tick.style.left = `${100 * this.fraction(index * step)}%`;
        tick.classList.toggle("last", this.fraction(index * step) > 0.97);
        return tick;
      }),
    );
  }

  /** Segments, their snippets, and what was left out. @param {number[]} times @param {number[][]} bounds */
  segments(times, bounds) {
    this.times = times;
    const place = (/** @type {string} */ name, /** @type {number} */ from, /** @type {number} */ to) => {
      const element = make(`i.${name}`);
      element.style.left = `${100 * this.fraction(from)}%`;
      element.style.width = `${100 * (this.fraction(to) - this.fraction(from))}%`;
      return element;
    };
    const [first, last] = [bounds[0][0], bounds[bounds.length - 1][1]];
    this.bands.replaceChildren(
      ...bounds.map(([from, to], k) => place(k % 2 ? "band.odd" : "band", from, to)),
      ...times.map((time) => place("snippet", time, time)),
      place("outside", 0, first),
      place("outside", Math.min(last, this.duration), this.duration),
    );
  }

  /** @param {Score[]} scores @param {number[][]} moments every class's, by snippet @param {boolean} raw */
  showScores(scores, moments, raw) {
    this.moments = moments;
    const at = this.times.map((time) => this.fraction(time));
    this.scores.replaceChildren(...scoresLane(at, scores, raw));
    this.said = scores.map((score, index) => {
      const value = make("span.name-value");
      const words = make("span.name-words", { text: score.name, title: score.name });
      const name = make(`p.name.line-${score.target ? "target" : index}`, {}, make("i.swatch"), words, value);
      return { score, name, value };
    });
    this.scoreNames.replaceChildren(...this.said.map(({ name }) => name));
  }

  /** @param {Energy[]} energies @param {boolean} raw */
  showEnergies(energies, raw) {
    const at = this.times.map((time) => this.fraction(time));
    this.energies.replaceChildren(...energies.map((one) => energyLane(at, one, raw)));
    this.energyNames.replaceChildren(
      ...energies.map(({ stream, stage }) =>
        make("p.name", {}, make(`i.dot.${stream}`), make("span.name-words", { text: `${stream === "rgb" ? "RGB" : "Flow"} ${stage}` })),
      ),
    );
  }

  /** Every picture: nothing here may cost a layout. @param {number} t */
  head(t) {
    this.at = t;
    this.playhead.style.transform = `translateX(${(this.fraction(t) * this.width).toFixed(1)}px)`;
  }

  /** A few times a second: the numbers. @param {number} t @param {boolean} raw @param {boolean} still */
  read(t, raw, still) {
    if (this.times.length > 0) {
      const at = moment(this.times, t, raw);
      const [from, to] = [this.moments[at.low] ?? [], this.moments[at.high] ?? []];
      const highest = Math.max(...from.map((one, index) => one + (to[index] - one) * at.part));
      for (const { score, name, value } of this.said) {
        const now = mixed(score.values, at);
        setText(value, percent(now));
        name.classList.toggle("wins", now >= highest - 1e-9);
      }
    }
    if (!still) return; // a screen reader would never end
    this.plot.setAttribute("aria-valuenow", t.toFixed(2));
    const best = this.said[0];
    const answer = best ? `, ${best.score.name} ${best.value.textContent}` : "";
    this.plot.setAttribute("aria-valuetext", `${seconds(t)}${answer}`);
  }

  /** @param {[number, number] | null} range seconds */
  choose(range) {
    this.chosen.hidden = !range;
    if (!range) return;
    this.chosen.style.left = `${100 * this.fraction(range[0])}%`;
    this.chosen.style.width = `${100 * (this.fraction(range[1]) - this.fraction(range[0]))}%`;
  }
}
