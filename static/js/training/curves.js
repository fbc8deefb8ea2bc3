// All runs of a study in one chart: loss and accuracy side by side, with one legend and one pointer.
import { band, value } from "../lib/charts/lines.js";
import { colour, palette, Plot } from "../lib/charts/plot.js";
import { make, part } from "../lib/dom.js";
import { setText } from "../lib/format.js";

// Okabe and Ito's colours, as on the models' page; the likest two differ in dash.
const DASHES = [[], [], [], [], [2, 3], [7, 4]];
const METRICS = /** @type {const} */ (["loss", "accuracy"]);

/** @typedef {{id: string, title: string, runs: any[], colour: string, dash: number[]}} Group */

export class Curves {
  /**
   * @param {import("./state.js").ShownState} state @param {import("./watch.js").Watch} watch
   * @param {(epoch: number) => void} pick an epoch
   */
  constructor(state, watch, pick) {
    this.state = state;
    this.watch = watch;
    /** @type {Group[]} */
    this.groups = [];
    this.colours = palette();
    const act = {
      hover: (/** @type {number | null} */ x, /** @type {Plot} */ plot, /** @type {PointerEvent} */ event) => this.#hover(x, plot, event),
      zoom: (/** @type {[number, number] | null} */ view) => state.set(view ? { from: round(view[0]), to: round(view[1]) } : { from: 0, to: 0 }),
      pick: (/** @type {number} */ x) => pick(Math.max(1, Math.round(x))),
    };
    this.plots = METRICS.map((metric) => new Plot(document.querySelector(`[data-plot="${metric}"]`), this.#look(metric), act));
    this.tip = part("tip");
    /** @type {Map<string, HTMLElement[]>} */
    this.tipCells = new Map();
  }

  /** @param {"loss" | "accuracy"} metric @returns {import("../lib/charts/figure.js").Look} */
  #look(metric) {
    const percent = metric === "accuracy";
    const limits = /** @type {[number, number]} */ (percent ? [0, 100] : [0, Infinity]);
    return { title: percent ? "Accuracy" : "Loss", xTitle: "epoch", unit: percent ? " %" : "", log: false, limits, view: null, colours: this.colours };
  }

  /** The colours of the theme have changed. */
  recolour() {
    this.colours = palette();
    this.regroup();
    this.draw();
  }

  /** After a change of the study's list of runs. */
  regroup() {
    const names = [...new Set(this.watch.runs.map((run) => run.mechanism))];
    this.groups = names.map((name, index) => {
      const runs = this.watch.runs.filter((run) => run.mechanism === name);
      return { id: name, title: runs[0].title, runs, colour: colour(`series-${(index % 6) + 1}`), dash: DASHES[index % 6] };
    });
    this.#legend();
  }

  /** The same runs with newer JSON. */
  renew() {
    const now = new Map(this.watch.runs.map((run) => [run.id, run]));
    for (const group of this.groups) group.runs = group.runs.map((run) => now.get(run.id) ?? run);
  }

  hidden() {
    return new Set(this.state.now.hidden.split(",").filter(Boolean));
  }

  #legend() {
    const hidden = this.hidden();
    part("legend").replaceChildren(...this.groups.map((group) => {
      const swatch = make("span.swatch");
      swatch.style.setProperty("--series", group.colour);
      if (group.dash.length) swatch.classList.add(group.dash[0] < 4 ? "dotted" : "dashed");
      const toggle = () => this.#toggle(group.id);
      const words = group.runs.length > 1 ? `${group.title}, ${group.runs.length} seeds` : group.title;
      return make("li", {}, make("button.legend-button", { type: "button", "aria-pressed": String(!hidden.has(group.id)), "data-series": group.id, onclick: toggle }, swatch, words));
    }));
    this.tipCells.clear();
    const head = make("p.tip-head", {}, make("span", { "data-tip-at": true }), make("span", { text: "loss" }), make("span"), make("span", { text: "accuracy" }), make("span"));
    const rows = this.groups.map((group) => {
      const swatch = make("span.swatch");
      swatch.style.setProperty("--series", group.colour);
      const cells = [0, 1, 2, 3].map((n) => make(n % 2 ? "span.val" : "span.train"));
      const row = make("p.tip-row", {}, make("span.tip-name", {}, swatch, group.title), ...cells);
      this.tipCells.set(group.id, [row, ...cells]);
      return row;
    });
    this.tip.replaceChildren(head, ...rows);
  }

  /** @param {string} id */
  #toggle(id) {
    const hidden = this.hidden();
    if (!hidden.delete(id)) hidden.add(id);
    this.state.set({ hidden: [...hidden].join(",") });
    const button = document.querySelector(`[data-series="${id}"]`);
    button?.setAttribute("aria-pressed", String(!hidden.has(id)));
  }

  /** @param {any} run @param {"loss" | "accuracy"} metric */
  #trainLine(run, metric) {
    const series = this.watch.seriesOf(run.id);
    return { xs: series.at, ys: series.smooth(metric, this.state.now.smooth / 100), count: series.count };
  }

  /** @param {any} run @param {"loss" | "accuracy"} metric */
  #valLine(run, metric) {
    const { epochs, perEpoch } = this.watch.seriesOf(run.id);
    const factor = metric === "accuracy" ? 100 : 1;
    return { xs: epochs.map((one) => one.step / perEpoch), ys: epochs.map((one) => factor * (one[`val_${metric}`] ?? NaN)), count: epochs.length };
  }

  /** @param {"loss" | "accuracy"} metric @returns {import("../lib/charts/figure.js").Line[]} */
  #lines(metric) {
    const { train, val } = this.state.now;
    const hidden = this.hidden();
    return this.groups.filter((group) => !hidden.has(group.id)).flatMap(({ id, runs, colour: ink, dash }) => {
      const lines = [];
      const several = runs.length > 1;
      const joined = (/** @type {any[]} */ parts, /** @type {number} */ places) => (several ? band(parts, places) : parts[0]);
      if (train) lines.push({ id, ...joined(runs.map((run) => this.#trainLine(run, metric)), 400), colour: ink, dash, width: 1.1, alpha: val ? 0.7 : 1 });
      if (val) {
        const parts = runs.map((run) => this.#valLine(run, metric));
        const most = Math.max(1, ...parts.map((one) => one.count));
        lines.push({ id, ...joined(parts, most), colour: ink, dash, width: 2.2, dots: true });
      }
      return lines;
    });
  }

  draw() {
    const { log, from, to, epoch } = this.state.now;
    METRICS.forEach((metric, index) => {
      const plot = this.plots[index];
      plot.look = { ...this.#look(metric), log: log && metric === "loss", view: to > from ? [from, to] : null };
      plot.lines = this.#lines(metric);
      plot.mark = epoch || null;
      plot.over.setAttribute("aria-label", `${plot.look.title} of ${this.groups.length} networks by epoch; the numbers are in the table of runs. Arrow keys move the reading, plus zooms in, Escape shows all.`);
      plot.draw();
    });
    part("unzoom").disabled = !(to > from);
  }

  /** The epoch of the masks. @param {number | null} epoch */
  mark(epoch) {
    for (const plot of this.plots) {
      plot.mark = epoch;
      plot.drawOver();
    }
  }

  /** @param {number | null} x @param {Plot} plot @param {PointerEvent} [event] */
  #hover(x, plot, event) {
    for (const one of this.plots) {
      one.cross = x;
      one.drawOver();
    }
    this.tip.hidden = x === null;
    if (x === null) return;
    const hidden = this.hidden();
    setText(this.tip.querySelector("[data-tip-at]"), `epoch ${x.toFixed(2)}`);
    for (const group of this.groups) {
      const [row, ...cells] = /** @type {HTMLElement[]} */ (this.tipCells.get(group.id));
      row.hidden = hidden.has(group.id);
      if (!row.hidden) this.#read(group, x).forEach((text, index) => setText(cells[index], text));
    }
    const box = part("plots").getBoundingClientRect();
    const own = plot.box.getBoundingClientRect();
    const left = (event ? event.clientX : own.left + plot.place.x.to(x)) - box.left;
    const right = left + 16 + this.tip.offsetWidth > box.width;
    this.tip.style.left = `${Math.max(0, right ? left - 16 - this.tip.offsetWidth : left + 16)}px`;
    this.tip.style.top = `${own.top - box.top + 34}px`;
  }

  /** @param {Group} group @param {number} x @returns {string[]} loss and accuracy, training and validation */
  #read(group, x) {
    const mean = (/** @type {(number | null)[]} */ values) => {
      const known = values.filter((one) => Number.isFinite(one));
      return known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : NaN;
    };
    return METRICS.flatMap((metric) => {
      const trained = mean(group.runs.map((run) => value(this.#trainLine(run, metric), x)));
      const checked = mean(group.runs.map((run) => {
        const epoch = this.watch.seriesOf(run.id).epochAt(Math.round(x));
        return epoch ? epoch[`val_${metric}`] * (metric === "accuracy" ? 100 : 1) : null;
      }));
      const digits = metric === "accuracy" ? 1 : 3;
      return [trained, checked].map((one) => (Number.isFinite(one) ? one.toFixed(digits) : "–"));
    });
  }
}

/** @param {number} x @returns {number} short enough for the address */
const round = (x) => Math.round(x * 1000) / 1000;
