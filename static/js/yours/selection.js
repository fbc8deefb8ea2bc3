// Which rows of a list are chosen: one by one, a range with Shift, or all on show.
import { part } from "../lib/dom.js";

const box = (/** @type {HTMLElement} */ row) => /** @type {HTMLInputElement} */ (row.querySelector("[data-pick]"));

export class Selection {
  /**
   * @param {HTMLElement} list whose rows have a checkbox each @param {() => HTMLElement[]} rows on show
   * @param {() => void} changed
   */
  constructor(list, rows, changed) {
    this.rows = rows;
    this.changed = changed;
    /** @type {HTMLElement | null} */
    this.last = null; // where a range starts
    list.addEventListener("click", (event) => {
      const target = /** @type {Element} */ (event.target);
      if (!target.matches("[data-pick]")) return;
      this.#picked(/** @type {HTMLElement} */ (target.closest("[data-one]")), event.shiftKey);
    });
    part("all").addEventListener("change", () => this.set(this.rows(), part("all").checked));
  }

  /** @returns {HTMLElement[]} */
  chosen() {
    return this.rows().filter((row) => box(row).checked);
  }

  /** @param {HTMLElement[]} rows @param {boolean} on */
  set(rows, on) {
    for (const row of rows) box(row).checked = on;
    this.show();
    this.changed();
  }

  /** Bring the box of all up to date. */
  show() {
    const [some, all] = [this.chosen().length, this.rows().length];
    part("all").checked = some > 0 && some === all;
    part("all").indeterminate = some > 0 && some < all;
    part("all").disabled = all === 0;
  }

  /** @param {HTMLElement} row @param {boolean} range from the row that was picked before */
  #picked(row, range) {
    const rows = this.rows();
    const [from, to] = [this.last ? rows.indexOf(this.last) : -1, rows.indexOf(row)];
    this.last = row;
    const reached = range && from >= 0 ? rows.slice(Math.min(from, to), Math.max(from, to) + 1) : [row];
    this.set(reached, box(row).checked);
  }
}
