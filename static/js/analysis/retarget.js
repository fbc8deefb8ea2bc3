// Another target class: evidence alone is computed again.
import { getJson, postJson } from "../lib/api.js";
import { API, data } from "../lib/dom.js";
import { evidence } from "./page.js";
import { showProblem } from "./status.js";
import { classIn, plainTarget, same, targetOf } from "./target.js";

/** @typedef {import("./target.js").Target} Target */

export class Retarget {
  /**
   * @param {import("./tools.js").ViewState} state @param {import("./table.js").Table} table
   * @param {import("./sources.js").Sources} sources @param {() => void} draw
   */
  constructor(state, table, sources, draw) {
    this.state = state;
    this.table = table;
    this.sources = sources;
    this.draw = draw;
    const { target, models } = this.request;
    /** What the page's own analysis explains: a class, or each model's own top. */
    this.base = plainTarget(target, models.flatMap((/** @type {string} */ id) => table.card(id) ?? []));
  }

  /** @returns {any} of the page's analysis */
  get request() {
    return data.analysis.request;
  }

  /** @returns {Target} what is explained now */
  get current() {
    const { target, named } = this.state.now;
    return target ? (named ? targetOf(target) : target) : this.base;
  }

  /** @param {string} model @param {Target} [target] */
  knows(model, target = this.current) {
    return classIn(target, this.table.cards.get(model)?.classes ?? []) !== null;
  }

  /** What a link was opened with. */
  open() {
    const { target, cam } = this.state.now;
    if (target) this.change(this.current, cam);
  }

  /**
   * Explain another class, in the models that know it.
   * @param {Target} target @param {string} [cam] id of an analysis that may hold it already
   */
  async change(target, cam = "") {
    const other = !same(target, this.base);
    const named = other && typeof target === "object";
    this.state.set({ target: !other ? "" : typeof target === "object" ? target.class : String(target), named, cam: "" });
    const models = this.request.models.filter((/** @type {string} */ id) => this.knows(id, target));
    const again = other && models.length > 0;
    if (!again) this.sources.drop("cam");
    this.draw();
    if (again) await this.#load(models, target, cam);
  }

  /** @param {string[]} models @param {Target} target @param {string} id */
  async #load(models, target, id) {
    const cells = this.table.cells.filter((cell) => cell.method === evidence.name && models.includes(cell.row));
    for (const cell of cells) cell.element.classList.add("waiting");
    try {
      const source = await this.sources.replace(
        "cam", async () => (await this.#earlier(id, models, target)) ?? this.#ask(models, target),
      );
      this.state.set({ cam: source.id });
      await source.done;
      showProblem("");
    } catch (error) {
      showProblem(/** @type {Error} */ (error).message);
      this.state.set({ target: "", named: false, cam: "" });
    }
    for (const cell of cells) cell.element.classList.remove("waiting");
    this.draw();
  }

  /** Learnt masks do not depend on the target. @param {string[]} models @param {Target} target */
  #ask(models, target) {
    const { media_id, input_size, fit, place } = this.request;
    return postJson(`${API}/analyses`, { media_id, models, methods: [evidence.name], target, input_size, fit, place });
  }

  /**
   * A link names the analysis it saw; it counts only if it answers the same question.
   * @param {string} id or "" @param {string[]} models @param {Target} target
   */
  async #earlier(id, models, target) {
    if (!id) return null;
    const analysis = await getJson(`${API}/analyses/${encodeURIComponent(id)}`).catch(() => null);
    const request = analysis?.request;
    const answers =
      ["media_id", "input_size", "fit", "place"].every((name) => JSON.stringify(request?.[name]) === JSON.stringify(this.request[name])) &&
      same(request.target, target) &&
      request.methods.includes(evidence.name) &&
      models.every((model) => request.models.includes(model));
    return answers && !["failed", "cancelled"].includes(analysis.state) ? analysis : null;
  }
}
