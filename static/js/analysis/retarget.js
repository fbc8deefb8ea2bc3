// Another target class, another head of the first row: Grad-CAM alone is computed again.
import { showProblem } from "./status.js";
import { OWN_TOP } from "./target.js";
import { IMAGENET } from "./sources.js";

export class Retarget {
  /**
   * @param {import("./view.js").ViewState} state @param {import("./table.js").Table} table
   * @param {import("./sources.js").Sources} sources @param {() => void} draw
   */
  constructor(state, table, sources, draw) {
    this.state = state;
    this.table = table;
    this.sources = sources;
    this.draw = draw;
    const { target, models } = sources.base.request;
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
    const models = this.sources.base.request.models.filter((id) => this.#knows(id, target));
    const asked = [];
    if (target === this.base || models.length === 0) this.sources.drop("cam");
    else asked.push(this.#load("cam", models, target, cam));
    if (this.state.now.head) asked.push(this.setHead(true, head));
    this.draw();
    await Promise.all(asked);
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

  /**
   * @param {"cam" | "head"} layer @param {string[]} models @param {string} target
   * @param {string} id
   */
  async #load(layer, models, target, id) {
    const rows = layer === "head" ? ["plain"] : models;
    const cells = this.table.cells.filter(
      (cell) => cell.method === this.sources.evidence && rows.includes(cell.row),
    );
    for (const cell of cells) cell.element.classList.add("waiting");
    try {
      const { id: found, done } = await this.sources.gradcam(layer, models, target, id);
      this.state.set({ [layer]: found });
      await done;
      showProblem("");
    } catch (error) {
      showProblem(/** @type {Error} */ (error).message);
      this.state.set(layer === "head" ? { head: "" } : { target: "", cam: "" });
    }
    for (const cell of cells) cell.element.classList.remove("waiting");
    this.draw();
  }
}
