// The enlarged map: beside the photo, with its facts. Arrow keys step on, Escape goes back.
import { make, part, svg } from "../lib/dom.js";
import { capital, inWords, number, percent } from "../lib/format.js";
import { arrowStep } from "../lib/keys.js";
import { entropy, peakPoint } from "../lib/maps.js";
import { isLearnt } from "../lib/scale.js";
import { methodTitle } from "../lib/titles.js";
import { shownModels } from "./chooser.js";
import { asDrawn } from "./drawing.js";
import { effectWords } from "./effect.js";
import { meaning } from "./meaning.js";
import { Painter } from "./painter.js";

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

  /** Focus it, with its head below the tool bar and, where that fits, all of it in sight. */
  reveal() {
    this.element.focus({ preventScroll: true });
    const { top, bottom } = this.element.getBoundingClientRect();
    const covered = innerWidth > 900 ? part("tools").getBoundingClientRect().bottom : 0;
    if (top < covered || bottom > innerHeight) this.element.scrollIntoView({ block: "start" });
  }

  /** @param {boolean} open */
  show(open) {
    this.element.hidden = !open;
    part("bench").classList.toggle("enlarged", open);
  }

  /**
   * @param {Entry | null} entry @param {import("./drawing.js").Look} look @param {string} title
   * @param {string} mechanism @param {any} prediction
   */
  draw(entry, look, title, mechanism, prediction) {
    part("big-title").textContent = title;
    const words = this.painter.draw(entry, look);
    part("big-facts").replaceChildren();
    part("big-meaning").textContent = entry ? (words || meaning(entry, mechanism)) : "This map is not ready yet.";
    part("big-canvas").setAttribute("aria-label", title);
    part("big-histogram").replaceChildren();
    part("big-npy").hidden = part("big-png").hidden = !entry?.grid;
    if (!entry?.grid) return;
    this.#facts(entry, prediction);
    histogram(part("big-histogram"), entry.grid);
    part("big-npy").href = entry.record.links.npy;
    part("big-png").href = pngAddress(entry, look.view);
  }

  /** @param {Entry} entry @param {any} prediction */
  #facts(entry, prediction) {
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
      ["Method", capital(methodTitle(entry.method))],
    ];
    const { evidence } = entry.record;
    if (evidence) facts.push(["If even", effectWords(evidence, "if_even")], ["If a blob", effectWords(evidence, "if_blob")]);
    if (!isLearnt(entry) && target) {
      facts.push(["Target", `${inWords(target.name)}: ${percent(target.probability)}, logit ${number(target.logit)}`]);
    }
    const top = prediction?.top.map((/** @type {any} */ one) => `${inWords(one.name)} ${percent(one.probability)}${one.logit === null ? "" : ` (${number(one.logit)})`}`);
    if (top) facts.push(["Top five (logit)", top.join("; ")]);
    if (prediction && prediction.in_domain !== null) facts.push(["One of its things", `${percent(prediction.in_domain)}${prediction.abstained ? ": it abstains" : ""}`]);
    part("big-facts").replaceChildren(...facts.map(([term, text]) => make("div", {}, make("dt", { text: term }), make("dd", { text }))));
  }
}

/** @param {Entry} entry @param {import("./view.js").View} view @returns {string} */
function pngAddress(entry, view) {
  const { stack, channel = "mean" } = entry;
  const query = new URLSearchParams({ size: "896", overlay: "true", channel: stack ? channel : "mean", ...asDrawn(view, shownModels(view)) });
  return `${(stack ?? entry.record).links.png}?${query}`;
}

const BINS = 40;

/** @param {SVGElement} plot @param {import("../lib/maps.js").Grid} grid */
function histogram(plot, grid) {
  const counts = new Array(BINS).fill(0);
  const range = grid.max - grid.min || 1;
  for (const value of grid.data) {
    counts[Math.min(BINS - 1, Math.floor(((value - grid.min) / range) * BINS))] += 1;
  }
  const top = Math.max(...counts);
  plot.replaceChildren(
    ...counts.map((count, index) => {
      const height = (48 * count) / top;
      return svg("rect", { x: index * 6, y: (48 - height).toFixed(2), width: 5, height: height.toFixed(2) });
    }),
  );
}
