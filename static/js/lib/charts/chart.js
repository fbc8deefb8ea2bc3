// A chart: plots under one pointer, a legend that hides lines, a read-out of all values at a place.
import { make } from "../dom.js";
import { setText } from "../format.js";
import { colour, Plot } from "./plot.js";

/**
 * @typedef {object} Series
 * @property {string} id
 * @property {string} title
 * @property {number} style  its place among the series: styles of lines follow it
 */
/**
 * @typedef {object} Options
 * @property {{title: string, short: string, strong?: boolean}[]} columns  what the read-out has of a series
 * @property {(series: any, x: number) => string[]} read  a text for each column
 * @property {(x: number) => string} [at]  the place in words
 * @property {() => Set<string>} hidden  ids of series
 * @property {(id: string) => void} toggle
 * @property {(view: [number, number] | null) => void} zoom
 * @property {(x: number) => void} [pick]
 */

const SOLID = /** @type {number[]} */ ([]);
const DOTTED = [2, 3];
const DASHED = [7, 4];
// Okabe and Ito's colours, told apart by colour-blind people too; the likest two differ in dash.
// From the seventh on the colours come again. charts.css has the same for swatches.
const DASHES = [SOLID, SOLID, SOLID, SOLID, DOTTED, DASHED, DASHED, DASHED, DASHED, DASHED, DASHED, DOTTED];

/** @param {number} style @returns {{colour: string, dash: number[]}} */
export const strokeOf = (style) => ({ colour: colour(`series-${(style % 6) + 1}`), dash: DASHES[style % DASHES.length] });

/** @param {number} style @returns {HTMLElement} a piece of such a line */
export const swatch = (style) => make(`span.swatch.series-${(style % DASHES.length) + 1}`);

export class Chart {
  /**
   * @param {HTMLElement} root holds [data-legend], [data-plots] with .plot elements, [data-tip] and [data-reading]
   * @param {import("./figure.js").Look[]} looks of the plots @param {Options} options
   */
  constructor(root, looks, options) {
    const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-${name}]`));
    this.options = options;
    /** @type {Series[]} */
    this.series = [];
    this.box = find("plots");
    this.legend = find("legend");
    this.tip = find("tip");
    this.reading = find("reading");
    /** @type {Map<string, HTMLElement[]>} */
    this.tipCells = new Map();
    const act = {
      hover: (/** @type {number | null} */ x, /** @type {Plot} */ plot, /** @type {PointerEvent} */ event) => this.#hover(x, plot, event),
      zoom: options.zoom, pick: options.pick,
    };
    this.plots = [...this.box.querySelectorAll(".plot")].map((box, index) => new Plot(/** @type {HTMLElement} */ (box), looks[index], act));
    this.legend.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-series]"));
      if (!button) return;
      const id = button.dataset.series ?? "";
      options.toggle(id);
      button.setAttribute("aria-pressed", String(!options.hidden().has(id)));
    });
  }

  /** Those that are not hidden. @returns {any[]} */
  get shown() {
    const hidden = this.options.hidden();
    return this.series.filter((one) => !hidden.has(one.id));
  }

  /** @param {Series[]} series what the read-out has a row of */
  setSeries(series) {
    this.series = series;
    const { columns } = this.options;
    this.tip.style.setProperty("--columns", String(columns.length));
    this.tipCells.clear();
    const head = make("p.tip-head", {}, make("span"), ...columns.map(({ short }) => make("span", { text: short })));
    const rows = series.map((one) => {
      const cells = columns.map(({ strong }) => make(strong ? "span.strong" : "span"));
      const row = make("p", {}, make("span", {}, swatch(one.style), one.title), ...cells);
      this.tipCells.set(one.id, [row, ...cells]);
      return row;
    });
    this.tip.replaceChildren(head, ...rows);
  }

  /** The legend's buttons, where the page does not come with them. @param {(series: any) => string} words */
  makeLegend(words) {
    const hidden = this.options.hidden();
    this.legend.replaceChildren(...this.series.map((one) => {
      const shown = String(!hidden.has(one.id));
      return make("li", {}, make("button.legend-button", { type: "button", "aria-pressed": shown, "data-series": one.id }, swatch(one.style), words(one)));
    }));
  }

  /**
   * @param {import("./figure.js").Look[]} looks @param {import("./figure.js").Line[][]} lines of each plot
   * @param {string[]} labels for screen readers
   */
  draw(looks, lines, labels) {
    this.plots.forEach((plot, index) => {
      plot.look = looks[index];
      plot.lines = lines[index];
      plot.over.setAttribute("aria-label", `${labels[index]} Arrow keys move the reading, plus zooms in, Escape shows all.`);
      plot.draw();
    });
  }

  /** @param {number | null} x @param {Plot} plot @param {PointerEvent} [event] none: moved by the keyboard */
  #hover(x, plot, event) {
    for (const one of this.plots) {
      one.cross = x;
      one.drawOver();
    }
    this.tip.hidden = x === null;
    if (x === null) return;
    const place = this.options.at?.(x) ?? `epoch ${x}`;
    setText(this.tip.querySelector("span"), place);
    const sentences = [];
    const shown = new Set(this.shown);
    for (const one of this.series) {
      const [row, ...cells] = /** @type {HTMLElement[]} */ (this.tipCells.get(one.id));
      row.hidden = !shown.has(one);
      if (row.hidden) continue;
      const texts = this.options.read(one, x);
      texts.forEach((text, index) => setText(cells[index], text));
      sentences.push(`${one.title}: ${texts.map((text, index) => `${this.options.columns[index].title} ${text}`.trim()).join(", ")}`);
    }
    if (!event) setText(this.reading, `${place}. ${sentences.join("; ")}`);
    this.#place(plot, event ? event.clientX : plot.box.getBoundingClientRect().left + plot.place.x.to(x));
  }

  /** Put the read-out beside the pointer. @param {Plot} plot @param {number} at px in the window */
  #place(plot, at) {
    const box = this.box.getBoundingClientRect();
    const left = at - box.left;
    const right = left + 16 + this.tip.offsetWidth > box.width;
    this.tip.style.left = `${Math.max(0, right ? left - 16 - this.tip.offsetWidth : left + 16)}px`;
    this.tip.style.top = `${plot.box.getBoundingClientRect().top - box.top + 34}px`;
  }
}
