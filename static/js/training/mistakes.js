// Where a run is wrong: the confusion matrix of the epoch on show, and its worst mistakes.
import { getJson } from "../lib/api.js";
import { API, make, part } from "../lib/dom.js";
import { setText } from "../lib/format.js";
import { counted, shareWords } from "../lib/shares.js";
import { plural, runName } from "./words.js";
import { Worst } from "./worst.js";

export class Mistakes {
  /**
   * @param {import("./state.js").ShownState} state @param {import("./watch.js").Watch} watch
   * @param {import("../lib/colours.js").Colours} colours @param {import("./masks.js").Masks} masks
   */
  constructor(state, watch, colours, masks) {
    this.state = state;
    this.watch = watch;
    this.select = /** @type {HTMLSelectElement} */ (part("mistakes-run"));
    this.table = /** @type {HTMLTableElement} */ (part("confusion"));
    this.asked = "";
    this.worst = new Worst(state, watch, colours, masks);
    this.seen = false;
    this.timer = 0;
    /** @type {any} */
    this.told = null;
    this.select.addEventListener("change", () => state.set({ run: this.select.value }));
    this.table.addEventListener("click", (event) => this.#open(/** @type {HTMLElement} */ (event.target)));
    this.table.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("serverback", () => this.show());
    // Nothing is asked for before somebody comes near it.
    new IntersectionObserver(([entry]) => {
      this.seen ||= entry.isIntersecting;
      if (this.seen) this.show();
    }, { rootMargin: "400px" }).observe(part("mistakes"));
  }

  /** @param {any} run @returns {boolean} */
  #ended(run) {
    return this.watch.seriesOf(run.id).epochs.length > 0;
  }

  /** The chosen run, or the first one that has ended an epoch. */
  get run() {
    const { runs } = this.watch;
    return runs.find((run) => run.id === this.state.now.run) ?? runs.find((run) => this.#ended(run)) ?? runs[0];
  }

  /** Follow the study, the epoch and the chosen run; asks once the slider rests. */
  show() {
    if (!this.seen || !this.run) return;
    this.#options();
    const epoch = this.watch.seriesOf(this.run.id).epochAt(this.state.now.epoch || Infinity);
    const key = epoch ? `${this.run.id}/${epoch.epoch}` : `${this.run.id}/`;
    if (key !== this.asked) {
      this.asked = key;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.#load(key, epoch), 120);
    }
    this.#worst();
  }

  #options() {
    const { runs, seeds } = this.watch;
    if (this.select.options.length !== runs.length) this.select.replaceChildren(...runs.map((run) => new Option(runName(run, seeds), run.id)));
    runs.forEach((run, index) => (this.select.options[index].disabled = !this.#ended(run)));
    this.select.value = this.run.id;
  }

  /** @param {string} key @param {any} epoch */
  async #load(key, epoch) {
    if (!epoch) {
      setText(part("mistakes-words"), "No epoch has ended yet.");
      this.table.replaceChildren();
      return;
    }
    try {
      const told = await getJson(`${API}/training-runs/${this.run.id}/confusion?epoch=${epoch.epoch}`);
      if (this.asked !== key) return;
      this.told = { ...told, run: this.run.id };
      this.#matrix(told);
      this.#worst();
    } catch (error) {
      this.asked = "";
      setText(part("mistakes-words"), /** @type {Error} */ (error).message);
    }
  }

  /** @param {any} told */
  #matrix({ classes, matrix, per_class, epoch }) {
    const wrong = matrix.flatMap((/** @type {number[]} */ row, /** @type {number} */ i) => row.filter((_, j) => i !== j)).reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
    const all = matrix.flat().reduce((/** @type {number} */ a, /** @type {number} */ b) => a + b, 0);
    setText(part("mistakes-words"), `epoch ${epoch}: ${plural(wrong, "mistake")} among ${all}`);
    const focused = this.table.querySelector(":focus")?.getAttribute("data-cell") ?? "0,0";
    const had = this.table.contains(document.activeElement);
    const head = make("thead", {}, make("tr", {}, make("th.corner", { scope: "col" }, make("span.label", { text: "is ↓ taken for →" })),
      ...classes.map((/** @type {string} */ name) => make("th.slanted", { scope: "col" }, make("span", { text: name, title: name }))), make("th.n", { scope: "col", text: "right" })));
    const rows = matrix.map((/** @type {number[]} */ row, /** @type {number} */ i) => make("tr", {}, make("th", { scope: "row", text: classes[i] }),
      ...row.map((count, j) => this.#cell(count, i, j, per_class[i].images, classes, focused)), this.#share(per_class[i])));
    this.table.replaceChildren(head, make("tbody", {}, ...rows));
    if (!this.table.querySelector('[tabindex="0"]')) this.table.querySelector("button")?.setAttribute("tabindex", "0");
    if (had) /** @type {HTMLElement | null} */ (this.table.querySelector('[tabindex="0"]'))?.focus();
  }

  /** @param {number} count @param {number} i @param {number} j @param {number} images @param {string[]} classes @param {string} focused */
  #cell(count, i, j, images, classes, focused) {
    const words = i === j ? `${classes[i]}: ${count} of ${images} right` : `${classes[i]} taken for ${classes[j]}: ${count} of ${images}`;
    const button = make("button", { type: "button", "data-cell": `${i},${j}`, tabindex: focused === `${i},${j}` ? 0 : -1, "aria-label": words, title: words, text: count || "·" });
    const share = images ? count / images : 0;
    button.style.setProperty("--share", String(share ? 0.06 + 0.84 * Math.sqrt(share) : 0));
    return make(i === j ? "td.right" : "td.wrong", { class: `${i === j ? "right" : "wrong"}${count ? "" : " zero"}${share > 0.35 ? " strong" : ""}` }, button);
  }

  /** @param {any} one */
  #share(one) {
    const bar = make("progress", { max: 1, value: one.images ? one.accuracy : 0, "aria-hidden": "true" });
    return make("td.n.class-share", {}, make("span", { text: one.images ? counted(one.accuracy, one.images) : "–", title: shareWords(one.accuracy, one.images) }), bar);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const from = /** @type {HTMLElement} */ (event.target).dataset.cell?.split(",").map(Number);
    if (!from || !(event.key in moves)) return;
    event.preventDefault();
    const next = /** @type {HTMLElement | null} */ (this.table.querySelector(`[data-cell="${from[0] + moves[event.key][0]},${from[1] + moves[event.key][1]}"]`));
    if (!next) return;
    /** @type {HTMLElement} */ (event.target).tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  /** @param {HTMLElement} target */
  async #open(target) {
    const place = target.dataset.cell?.split(",").map(Number);
    if (!place || !this.told) return;
    const { classes, epoch, matrix } = this.told;
    const [i, j] = place;
    const list = part("images-list");
    setText(part("images-title"), `${i === j ? `${classes[i]}, rightly named` : `${classes[i]} taken for ${classes[j]}`}: ${plural(matrix[i][j], "image")}`);
    list.replaceChildren(make("li.label", { text: matrix[i][j] ? "Reading…" : "There are none." }));
    part("images").showModal();
    if (!matrix[i][j]) return;
    try {
      const { items } = await getJson(`${API}/training-runs/${this.run.id}/confusion/images?true=${i}&predicted=${j}&epoch=${epoch}`);
      list.replaceChildren(...items.map((/** @type {any} */ one) => make("li", {}, make("a", { href: `${one.href}?size=full` }, make("img", { src: `${one.href}?size=224`, width: 112, height: 112, alt: `Number ${one.index}`, loading: "lazy" })), make("span.label.num", { text: `${(100 * one.confidence).toFixed(1)} %, not calibrated` }))));
    } catch (error) {
      list.replaceChildren(make("li.error", { text: /** @type {Error} */ (error).message }));
    }
  }

  #worst() {
    const { run } = this;
    const told = this.told?.run === run.id ? this.told : null;
    const worst = run.worst ?? told?.worst ?? [];
    const when = run.worst ? "of the finished network, with its mask if it learns one, and Grad-CAM for the wrong class (✗) and the right one (✓)" : "with maps once the run has finished";
    const none = told || run.worst ? "It makes none." : "";
    setText(part("worst-words"), worst.length ? `Wrong, and most sure of it: ${when}.` : none);
    this.worst.show(run, worst, `${run.id}/${run.worst ? "end" : told?.epoch}/${this.watch.names.length}`);
  }

  /** The maps of the worst mistakes, at the stage of the grid above. */
  drawWorst() {
    this.worst.draw();
  }
}
