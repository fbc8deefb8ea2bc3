// Another target class, another head of the first row: evidence alone is computed again.
import { getJson, postJson } from "../lib/api.js";
import { API } from "../lib/dom.js";
import { evidence } from "./page.js";
import { showProblem } from "./status.js";
import { IMAGENET } from "./table.js";
import { OWN_TOP } from "./target.js";

export class Retarget {
  /**
   * @param {import("./tools.js").ViewState} state @param {import("./table.js").Table} table
   * @param {import("./sources.js").Sources} sources @param {any} analysis of the page
   * @param {() => void} draw
   */
  constructor(state, table, sources, analysis, draw) {
    this.state = state;
    this.table = table;
    this.sources = sources;
    this.request = analysis.request;
    this.draw = draw;
    const { target, models } = this.request;
    /** What the page's own analysis explains: a class, or each model's own top. */
    this.base = typeof target === "number" ? table.cards.get(models[0]).classes[target] : target;
  }

  /** @returns {string} what is explained now */
  get current() {
    return this.state.now.target || this.base;
  }

  /** @param {string} model @param {string} target */
  #knows(model, target) {
    return target === OWN_TOP || Boolean(this.table.cards.get(model)?.classes.includes(target));
  }

  /** What a link was opened with. */
  open() {
    const { target, cam, head } = this.state.now;
    if (target) this.change(target, cam, head);
    else if (head) this.setHead(true, head);
  }

  /**
   * Explain another class, in the models that know it.
   * @param {string} target @param {string} [cam] id of an analysis that may hold it already
   * @param {string} [head] the same for the ImageNet head
   */
  async change(target, cam = "", head = "") {
    this.state.set({ target: target === this.base ? "" : target, cam: "" });
    const models = this.request.models.filter((/** @type {string} */ id) => this.#knows(id, target));
    const loading = [];
    if (target === this.base || models.length === 0) this.sources.drop("cam");
    else loading.push(this.#load("cam", models, target, cam));
    if (this.state.now.head) loading.push(this.setHead(true, head));
    this.draw();
    await Promise.all(loading);
  }

  /** @param {boolean} imagenet @param {string} [id] of an analysis that may hold it already */
  async setHead(imagenet, id = "") {
    if (imagenet) {
      const target = this.#knows(IMAGENET, this.current) ? this.current : OWN_TOP;
      await this.#load("head", [IMAGENET], target, id);
    } else {
      this.sources.drop("head");
      this.state.set({ head: "" });
    }
  }

  /** @param {"cam" | "head"} layer @param {string[]} models @param {string} target @param {string} id */
  async #load(layer, models, target, id) {
    const rows = layer === "head" ? ["plain"] : models;
    const cells = this.table.cells.filter((cell) => cell.method === evidence.name && rows.includes(cell.row));
    for (const cell of cells) cell.element.classList.add("waiting");
    try {
      const source = await this.sources.replace(
        layer, async () => (await this.#earlier(id, models, target)) ?? this.#ask(models, target),
      );
      this.state.set({ [layer]: source.id });
      await source.done;
      showProblem("");
    } catch (error) {
      showProblem(/** @type {Error} */ (error).message);
      this.state.set(layer === "head" ? { head: "" } : { target: "", cam: "" });
    }
    for (const cell of cells) cell.element.classList.remove("waiting");
    this.draw();
  }

  /** Learnt masks do not depend on the target. @param {string[]} models @param {string} target */
  #ask(models, target) {
    const { media_id, input_size, fit } = this.request;
    return postJson(`${API}/analyses`, { media_id, models, methods: [evidence.name], target, input_size, fit });
  }

  /**
   * A link names the analysis it saw; it counts only if it answers the same question.
   * @param {string} id or "" @param {string[]} models @param {string} target
   */
  async #earlier(id, models, target) {
    if (!id) return null;
    const analysis = await getJson(`${API}/analyses/${encodeURIComponent(id)}`).catch(() => null);
    const request = analysis?.request;
    const same =
      ["media_id", "input_size", "fit"].every((name) => request?.[name] === this.request[name]) &&
      request.target === target &&
      request.methods.includes(evidence.name) &&
      models.every((model) => request.models.includes(model));
    return same && !["failed", "cancelled"].includes(analysis.state) ? analysis : null;
  }
}
