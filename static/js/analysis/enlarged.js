// The enlarged map: beside the photo, with its facts. Arrow keys step on, Escape goes back.
import { part } from "../lib/dom.js";
import { capital, number, percent } from "../lib/format.js";
import { arrowStep } from "../lib/keys.js";
import { entropy, peakPoint } from "../lib/maps.js";
import { METHODS } from "../lib/methods.js";
import { hasSign } from "../lib/scale.js";
import { Painter, meaning } from "./cells.js";

/** @typedef {import("./store.js").Entry} Entry */

export class Enlarged {
  /**
   * @param {{close: () => void, step: (right: number, down: number) => void,
   *          nudge: (right: number, down: number) => void}} on
   */
  constructor(on) {
    this.element = /** @type {HTMLElement} */ (part("big"));
    this.painter = new Painter(/** @type {HTMLElement} */ (document.querySelector('[data-frame="big"]')));
    this.element.addEventListener("keydown", (event) => this.#key(event, on));
    for (const button of this.element.querySelectorAll("[data-step]")) {
      const right = Number(/** @type {HTMLElement} */ (button).dataset.step);
      button.addEventListener("click", () => on.step(right, 0));
    }
    part("close").addEventListener("click", on.close);
  }

  /** @param {KeyboardEvent} event @param {any} on */
  #key(event, on) {
    const step = arrowStep(event.key);
    if (!step) return;
    if (event.shiftKey) on.nudge(...step);
    else on.step(...step);
    event.preventDefault();
  }

  /** @param {boolean} open */
  show(open) {
    this.element.hidden = !open;
    part("bench").classList.toggle("enlarged", open);
  }

  /**
   * @param {Entry | null} entry @param {import("./cells.js").Look} look
   * @param {{title: string, mechanism: string, stage: string, method: string, prediction: any}} of
   */
  draw(entry, look, of) {
    const title = `${of.title}, ${of.stage}, ${METHODS[of.method]}`;
    part("big-title").textContent = title;
    const words = this.painter.draw(entry, look);
    part("big-facts").replaceChildren();
    part("big-meaning").textContent = entry ? (words || meaning(entry, of.mechanism)) : "This map is not ready yet.";
    part("big-canvas").setAttribute("aria-label", title);
    part("big-histogram").replaceChildren();
    if (!entry?.grid) return;
    this.#facts(entry, of);
    histogram(part("big-histogram"), entry.grid);
    part("big-npy").href = entry.record.links.npy;
    part("big-png").href = pngAddress(entry, look.view);
  }

  /** @param {Entry} entry @param {{prediction: any, method: string}} of */
  #facts(entry, { prediction, method }) {
    const grid = /** @type {import("../lib/maps.js").Grid} */ (entry.grid);
    const spread = entropy(grid);
    const peak = peakPoint(grid);
    const target = prediction?.target;
    /** @type {[string, string][]} */
    const facts = [
      ["Layer", entry.record.layer],
      ["Grid", `${grid.rows} × ${grid.cols}`],
      ["Range", `${number(grid.min)} to ${number(grid.max)}`],
      ["Sum", number(grid.sum)],
      ["Entropy", Number.isNaN(spread.value) ? "none: nothing is positive" : `${number(spread.value)} bits (even: ${number(spread.even)})`],
      ["Highest", `${Math.round(100 * peak.x)} % from left, ${Math.round(100 * peak.y)} % from top`],
      ["Method", capital(METHODS[method])],
    ];
    if (method !== "attention" && target) {
      facts.push(["Target", `${target.name}: ${percent(target.probability)}, logit ${number(target.logit)}`]);
    }
    const top = prediction?.top.map((/** @type {any} */ one) => `${one.name} ${percent(one.probability)}`);
    if (top) facts.push(["Top five", top.join("; ")]);
    part("big-facts").replaceChildren(...facts.map(([term, text]) => factRow(term, text)));
  }
}

/** @param {string} term @param {string} text @returns {HTMLElement} */
function factRow(term, text) {
  const row = document.createElement("div");
  const name = document.createElement("dt");
  const words = document.createElement("dd");
  name.textContent = term;
  words.textContent = text;
  row.append(name, words);
  return row;
}

/** @param {Entry} entry @param {import("./view.js").View} view @returns {string} */
function pngAddress(entry, view) {
  const signed = view.signed && hasSign(entry);
  const query = new URLSearchParams({
    size: "896", overlay: "true", alpha: String(view.opacity / 100), scale: view.scale,
    colormap: signed ? view.diverging : view.colours,
  });
  return `${entry.record.links.png}?${query}`;
}

const BINS = 40;

/** @param {SVGElement} svg @param {import("../lib/maps.js").Grid} grid */
function histogram(svg, grid) {
  const counts = new Array(BINS).fill(0);
  const range = grid.max - grid.min || 1;
  for (const value of grid.data) {
    counts[Math.min(BINS - 1, Math.floor(((value - grid.min) / range) * BINS))] += 1;
  }
  const top = Math.max(...counts);
  svg.replaceChildren(
    ...counts.map((count, index) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      const height = (48 * count) / top;
      const box = { x: index * 6, y: 48 - height, width: 5, height };
      for (const [name, value] of Object.entries(box)) bar.setAttribute(name, value.toFixed(2));
      return bar;
    }),
  );
}
