// What the models say: the rows' answers, the timeline's lanes, the fusion slider, the shares.
import { showAnswer } from "../analysis/rows.js";
import { classIn, lackingWords } from "../analysis/target.js";
import { make, part } from "../lib/dom.js";
import { abstention, capital, inWords, percent, setText } from "../lib/format.js";
import { unit } from "../lib/scale.js";
import { methodTitle } from "../lib/titles.js";
import { contributions, fuse, isFree, ratio, reweighted, weightsOf } from "./fusion.js";
import { numbersTable } from "./numbers.js";
import { Shares } from "./shares.js";
import { energy } from "./tracks.js";
import { energyWords } from "./words.js";

const CLASSES = 3; // lines of the timeline

export class Answers {
  /**
   * @param {any[]} rows Card JSON @param {import("./timeline.js").Timeline} timeline
   * @param {import("../analysis/store.js").Store} store
   * @param {{titleOf: (id: string) => string, go: (k: number) => void, share: (percent: number) => void, problemOf: (id: string) => string}} on
   */
  constructor(rows, timeline, store, on) {
    this.timeline = timeline;
    this.store = store;
    this.rows = rows;
    this.on = on;
    /** @type {Record<string, any>} */
    this.predictions = {};
    /** @type {number[]} */
    this.times = [];
    /** @type {number[][]} */
    this.bounds = [];
    this.shares = new Shares(part("shares"), on.go);
    /** @type {any} */
    this.clip = null;
    /** @type {() => void} */
    this.tabulate = () => {};
    this.table = /** @type {HTMLDetailsElement} */ (document.querySelector(".as-table"));
    this.table.addEventListener("toggle", () => this.tabulate());
    part("fusion-range").addEventListener("input", () => on.share(Number(part("fusion-range").value)));
    part("fusion-own").addEventListener("click", () => on.share(-1));
  }

  /** All models of an analysis see the same snippets. @param {Record<string, any>} predictions */
  take(predictions) {
    this.predictions = predictions;
    const clip = Object.values(predictions).find((one) => one.clip)?.clip;
    if (!clip || this.times.length > 0) return;
    this.times = clip.times;
    this.bounds = clip.bounds;
    this.timeline.segments(clip.times, clip.bounds);
  }

  /**
   * @param {Record<string, any>} predictions @param {import("./layer.js").Layer} layer
   * @param {import("./view.js").View} view @param {string[]} stages @param {import("../analysis/target.js").Target} chosen for all rows
   */
  show(predictions, layer, view, stages, chosen) {
    this.take(predictions);
    for (const card of this.rows) {
      const row = /** @type {HTMLElement} */ (document.querySelector(`[data-row="${CSS.escape(card.id)}"]`));
      const prediction = predictions[card.id];
      const now = prediction ? reweighted(prediction, view.fusion) : null;
      showAnswer(row, now, "", chosen, card.classes, this.on.problemOf(card.id));
    }
    const prediction = predictions[layer.model];
    this.clip = prediction?.clip ?? null;
    this.fusion(view.fusion);
    const energies = this.#energies(layer, view, stages);
    if (!prediction?.clip) return;
    const title = this.on.titleOf(layer.model);
    const { classes } = /** @type {any} */ (this.rows.find(({ id }) => id === layer.model));
    const explained = classIn(chosen, classes) === null ? null : prediction.target;
    const scores = this.#scores(prediction.clip, explained?.index, view);
    const found = explained ? contributions(prediction.clip, view.fusion, explained.index) : { shares: {}, rest: 0, sum: 0 };
    const target = inWords(explained?.name ?? "");
    if (explained) this.shares.show(found, { target, bounds: this.bounds, title });
    else this.shares.lack(`${title} ${lackingWords(chosen)}.`);
    this.#answer(reweighted(prediction, view.fusion));
    this.tabulate = () => {
      if (!this.table.open) return;
      numbersTable(part("numbers"), { times: this.times, bounds: this.bounds, scores, energies, shares: found.shares, target });
    };
    this.tabulate();
  }

  /** @param {any} clip @param {number | undefined} target class index @param {import("./view.js").View} view */
  #scores(clip, target, view) {
    const { moments, probabilities } = fuse(clip, view.fusion);
    const order = probabilities.map((_, index) => index).sort((a, b) => probabilities[b] - probabilities[a]);
    const shown = (target === undefined ? order : [target, ...order.filter((index) => index !== target)]).slice(0, CLASSES);
    const scores = shown.map((index) => ({
      name: inWords(clip.classes[index]), values: moments.map((row) => row[index]), target: index === target,
    }));
    this.timeline.showScores(scores, moments, view.raw);
    return scores;
  }

  /** @param {import("./layer.js").Layer} layer @param {import("./view.js").View} view @param {string[]} stages */
  #energies({ model, method }, view, stages) {
    const found = ["rgb", "flow"].flatMap((stream) =>
      stages.filter((stage) => stage !== "combined").map((stage) => {
        const track = this.store.entry({ model, stream, stage, method });
        return { stream, stage, track: track?.data ? track : null };
      }),
    );
    const shares = found.some(({ track }) => track && unit(track) === "share");
    setText(part("energy-words"), energyWords(shares, methodTitle(method)));
    const energies = found.map(({ stream, stage, track }) => ({
      stream, stage, values: track && energy(track, unit(track) === "share"),
    }));
    this.timeline.showEnergies(energies, view.raw);
    return energies;
  }

  /** The slider's place and words. @param {number} share percent, -1: own */
  fusion(share) {
    const own = this.clip ? weightsOf(this.clip, -1) : { rgb: 0.4, flow: 0.6 };
    const free = !this.clip || isFree(this.clip);
    const now = this.clip ? weightsOf(this.clip, share) : own;
    const range = part("fusion-range");
    range.disabled = !free;
    range.value = String(Math.round(100 * (now.flow ?? 0)));
    const words = free ? ratio(now) : this.clip.fusion === "learnt" ? "learnt, fixed" : "one stream";
    part("fusion-words").value = share < 0 && free ? `${words}, the model’s own` : words;
    range.setAttribute("aria-valuetext", words);
    part("fusion-own").hidden = share < 0;
  }

  /** @param {any} prediction */
  #answer({ abstained, top, clip }) {
    if (abstained) return part("answer").replaceChildren(make("span", { class: "muted", text: capital(abstention(clip.classes.length)) }));
    const [best, next] = top;
    const rest = next ? `, then ${inWords(next.name)} ${percent(next.probability)}` : "";
    part("answer").replaceChildren(make("strong", { text: inWords(best.name) }), ` ${percent(best.probability)}${rest}`);
  }

  /** @param {number} t */
  at(t) {
    const k = this.bounds.findIndex(([from, to]) => t >= from && t < to);
    this.shares.mark(k < 0 && this.bounds.length > 0 && t >= this.bounds.at(-1)[1] ? this.bounds.length - 1 : k);
  }
}
