// How finished models trained: a line a model on their list; training and validation on a model's own page.
import { Chart, strokeOf } from "../lib/charts/chart.js";
import { palette } from "../lib/charts/plot.js";
import { data } from "../lib/dom.js";
import { counted } from "../lib/shares.js";

/** @typedef {{title: string, percent: boolean, key: (series: any) => string}} Figure  what a plot shows of an epoch */
/** @typedef {import("../lib/charts/chart.js").Series & {epochs: any[], judged: number | null}} Series  judged: in validation */

const TITLES = { val_accuracy: "Validation accuracy", val_loss: "Validation loss", train_loss: "Training loss" };

class Curves {
  /**
   * @param {HTMLElement} root @param {Series[]} series @param {() => Figure[]} figures  one a plot
   * @param {{of: string, columns: string[], numbers: string}} words  whose curves, heads of the read-out, where the numbers are
   */
  constructor(root, series, figures, { of, columns, numbers }) {
    this.figures = figures;
    this.of = of;
    this.numbers = numbers;
    /** @type {Set<string>} */
    this.hidden = new Set();
    /** @type {[number, number] | null} */
    this.view = null;
    this.last = Math.max(...series.map((one) => one.epochs.length));
    this.chart = new Chart(root, this.#looks(), {
      columns: columns.map((title) => ({ title, short: title })),
      read: (one, x) => this.#read(one, x),
      hidden: () => this.hidden,
      toggle: (id) => this.#toggle(id),
      zoom: (view) => this.#zoom(view),
    });
    this.chart.setSeries(series);
    this.draw();
  }

  /** @returns {import("../lib/charts/figure.js").Look[]} */
  #looks() {
    const colours = palette();
    return this.figures().map(({ title, percent }) => ({
      title, xTitle: "epoch", unit: percent ? " %" : "", log: false, limits: [0, percent ? 100 : Infinity],
      view: this.view, whole: true, colours,
    }));
  }

  /** @param {Figure} figure @returns {import("../lib/charts/figure.js").Line[]} */
  #lines({ percent, key }) {
    return this.chart.shown.map((one) => ({
      id: one.id, xs: one.epochs.map((/** @type {any} */ epoch) => epoch.epoch),
      ys: one.epochs.map((/** @type {any} */ epoch) => (percent ? 100 : 1) * (epoch[key(one)] ?? NaN)),
      count: one.epochs.length, width: 2, dots: true, ...strokeOf(one.style),
    }));
  }

  draw() {
    const figures = this.figures();
    const labels = figures.map(({ title }) => `${title} ${this.of} by epoch; the numbers are ${this.numbers}.`);
    this.chart.draw(this.#looks(), figures.map((figure) => this.#lines(figure)), labels);
  }

  /** @param {Series} series @param {number} x an epoch @returns {string[]} */
  #read(series, x) {
    const epoch = series.epochs.find((one) => one.epoch === x);
    return this.figures().map(({ percent, key }) => {
      const value = epoch?.[key(series)];
      if (!Number.isFinite(value)) return "–";
      return percent ? counted(value, series.judged) : value.toFixed(4);
    });
  }

  /** @param {string} id */
  #toggle(id) {
    if (!this.hidden.delete(id)) this.hidden.add(id);
    this.draw();
  }

  /** Whole epochs, two at least. @param {[number, number] | null} view */
  #zoom(view) {
    if (view) {
      const from = Math.max(1, Math.min(this.last - 1, Math.round(view[0])));
      const to = Math.min(Math.max(this.last, 2), Math.max(from + 1, Math.round(view[1])));
      this.view = [from, to];
    } else this.view = null;
    this.draw();
  }
}

/** @param {string} name @returns {any} */
const chartOf = (name) => document.querySelector(`[data-chart="${name}"]`);

/** @returns {Curves[]} */
function ofModel() {
  const series = ["training", "validation"].map((title, style) => ({
    id: ["train", "val"][style], title, style, epochs: data.model.curves, judged: style ? data.model.judged : null,
  }));
  const figures = ["accuracy", "loss"].map((name) => ({
    title: name === "loss" ? "Loss" : "Accuracy", percent: name === "accuracy",
    key: (/** @type {Series} */ one) => `${one.id}_${name}`,
  }));
  return [new Curves(chartOf("model"), series, () => figures, { of: "of training and validation", columns: ["accuracy", "loss"], numbers: "in the table below" })];
}

/** @returns {Curves[]} */
function ofAll() {
  const chosen = () => /** @type {HTMLInputElement} */ (document.querySelector('[name="metric"]:checked')).value;
  return [["image", "for photos"], ["clip", "for clips"]].filter(([media]) => chartOf(media)).map(([media, of]) => {
    const trained = data.models.filter((/** @type {any} */ model) => model.media === media && model.curves.length > 0);
    const series = trained.map(({ id, title, curves, judged }, /** @type {number} */ style) => ({ id, title, style, judged, epochs: curves }));
    const figures = () => [{ title: TITLES[chosen()], percent: chosen() === "val_accuracy", key: chosen }];
    return new Curves(chartOf(media), series, figures, { of: `of models ${of}`, columns: [""], numbers: "on each model’s page" });
  });
}

const all = data.model ? ofModel() : ofAll();
const draw = () => all.forEach((curves) => curves.draw());
document.querySelector("[data-metric]")?.addEventListener("change", draw);
document.addEventListener("themechange", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
