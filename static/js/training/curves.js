// All runs of a study in one chart: loss and accuracy side by side, with one legend and one pointer.
import { Chart, strokeOf } from "../lib/charts/chart.js";
import { band, value } from "../lib/charts/lines.js";
import { palette } from "../lib/charts/plot.js";
import { part } from "../lib/dom.js";

const METRICS = /** @type {const} */ (["loss", "accuracy"]);
const COLUMNS = METRICS.flatMap((metric) => [
  { title: `training ${metric}`, short: metric }, { title: `validation ${metric}`, short: "", strong: true },
]);

/** @typedef {{id: string, title: string, style: number, runs: any[], colour: string, dash: number[]}} Group */

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
    this.chart = new Chart(part("curves"), METRICS.map((metric) => this.#look(metric)), {
      columns: COLUMNS,
      read: (group, x) => this.#read(group, x),
      at: (x) => `epoch ${x.toFixed(2)}`,
      hidden: () => this.hidden(),
      toggle: (id) => this.#toggle(id),
      zoom: (view) => state.set(view ? { from: round(view[0]), to: round(view[1]) } : { from: 0, to: 0 }),
      pick: (x) => pick(Math.max(1, Math.round(x))),
    });
  }

  get plots() {
    return this.chart.plots;
  }

  /** @param {"loss" | "accuracy"} metric @returns {import("../lib/charts/figure.js").Look} */
  #look(metric) {
    const { log, from, to } = this.state.now;
    const percent = metric === "accuracy";
    const limits = /** @type {[number, number]} */ (percent ? [0, 100] : [0, Infinity]);
    return {
      title: percent ? "Accuracy" : "Loss", xTitle: "epoch", unit: percent ? " %" : "", log: log && !percent,
      limits, view: to > from ? [from, to] : null, colours: this.colours,
    };
  }

  /** The colours of the theme have changed. */
  recolour() {
    this.colours = palette();
    for (const group of this.groups) Object.assign(group, strokeOf(group.style));
    this.draw();
  }

  /** After a change of the study's list of runs. */
  regroup() {
    const names = [...new Set(this.watch.runs.map((run) => run.mechanism))];
    this.groups = names.map((name, style) => {
      const runs = this.watch.runs.filter((run) => run.mechanism === name);
      return { id: name, title: runs[0].title, style, runs, ...strokeOf(style) };
    });
    this.chart.setSeries(this.groups);
    this.chart.makeLegend(({ title, runs }) => (runs.length > 1 ? `${title}, ${runs.length} seeds` : title));
  }

  /** The same runs with newer JSON. */
  renew() {
    const now = new Map(this.watch.runs.map((run) => [run.id, run]));
    for (const group of this.groups) group.runs = group.runs.map((run) => now.get(run.id) ?? run);
  }

  hidden() {
    return new Set(this.state.now.hidden.split(",").filter(Boolean));
  }

  /** @param {string} id */
  #toggle(id) {
    const hidden = this.hidden();
    if (!hidden.delete(id)) hidden.add(id);
    this.state.set({ hidden: [...hidden].join(",") });
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
    return this.chart.shown.flatMap(({ id, runs, colour: ink, dash }) => {
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
    const { from, to, epoch } = this.state.now;
    for (const plot of this.plots) plot.mark = epoch || null;
    this.chart.draw(
      METRICS.map((metric) => this.#look(metric)),
      METRICS.map((metric) => this.#lines(metric)),
      ["Loss", "Accuracy"].map((title) => `${title} of ${this.groups.length} networks by epoch; the numbers are in the table of runs.`),
    );
    part("unzoom").disabled = !(to > from);
  }

  /** The epoch of the masks. @param {number | null} epoch */
  mark(epoch) {
    for (const plot of this.plots) {
      plot.mark = epoch;
      plot.drawOver();
    }
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
