// All cells together: draw them, mark the cursor in them, say what is under it.
import { mark } from "../lib/cursor.js";
import { part } from "../lib/dom.js";
import { number } from "../lib/format.js";
import { makeLegend, showLegend } from "./legend.js";
import { valueAt } from "../lib/maps.js";
import { METHODS } from "../lib/methods.js";
import { isLearnt, places, unit } from "../lib/scale.js";
import { Cell } from "./cells.js";
import { IMAGENET } from "./sources.js";

/** @typedef {import("../lib/cursor.js").Cursor} Cursor */

export class Table {
  /**
   * @param {import("./store.js").Store} store @param {any[]} cards every model that is offered
   * @param {import("../lib/colours.js").Colours} colours
   */
  constructor(store, cards, colours) {
    this.store = store;
    this.colours = colours;
    this.cards = new Map(cards.map((card) => [card.id, card]));
    this.root = /** @type {HTMLElement} */ (part("analysis"));
    this.grid = /** @type {HTMLElement} */ (part("grid"));
    this.cells = [...this.grid.querySelectorAll('[role="gridcell"]')].map(
      (element) => new Cell(/** @type {HTMLElement} */ (element)),
    );
    this.legend = makeLegend(/** @type {HTMLElement} */ (part("legend")));
    /** @type {Cursor | null} */
    this.cursor = null;
    /** @type {Cell | null} */
    this.active = null;
    this.imagenet = false;
  }

  /** @param {string} row @returns {string} the model that the row shows now */
  model(row) {
    return row === "plain" && this.imagenet ? IMAGENET : row;
  }

  /** @param {string} row @returns {any} Card JSON */
  card(row) {
    return this.cards.get(this.model(row)) ?? this.cards.get(row);
  }

  /** @param {Cell} cell */
  entry(cell) {
    return this.store.entry(this.model(cell.row), cell.stage, cell.method);
  }

  /** @param {import("./view.js").View} view @returns {import("./cells.js").Look} */
  look(view) {
    const { colours } = this;
    const threshold = view.threshold / 100;
    return {
      view,
      all: this.cells.flatMap((cell) => this.entry(cell) ?? []),
      lookup: colours.lookup(colours.known(view.colours, "inferno"), threshold),
      diverging: colours.lookup(colours.known(view.diverging, "vik"), threshold),
    };
  }

  /** @param {import("./cells.js").Look} look */
  draw(look) {
    for (const cell of this.cells) {
      cell.draw(this.entry(cell), look, this.card(cell.row)?.title ?? cell.row);
      cell.element.classList.toggle("selected", cell.key === look.view.cell);
    }
    this.read(look);
  }

  /** Mark the cursor everywhere and say its values. @param {import("./cells.js").Look} look */
  read(look) {
    mark(this.root, this.cursor);
    for (const cell of this.cells) cell.read(this.cursor);
    part("readout").replaceChildren(...this.#sentence());
    const { active } = this;
    const beside = (/** @type {boolean} */ learnt) => {
      const found = this.cells.find(
        (cell) => cell.row === active?.row && cell.stage === active.stage && isLearnt(cell) === learnt,
      );
      return found?.painter ? this.entry(found) : null;
    };
    const [mask, cam] = [beside(true), beside(false)];
    const value = (/** @type {any} */ entry) =>
      this.cursor && entry?.grid ? valueAt(entry.grid, this.cursor).value : null;
    const name = active ? `${this.card(active.row).title}, ${active.stage}` : "";
    showLegend(this.legend, look, { mask, cam, values: [value(mask), value(cam)], name });
  }

  /** @returns {(string | Node)[]} */
  #sentence() {
    const { active, cursor } = this;
    const entry = active && this.entry(active);
    if (!entry?.grid || !cursor || !active) return ["Point at a map to read its values; click to enlarge it."];
    const { row, col, value } = valueAt(entry.grid, cursor);
    const name = document.createElement("strong");
    name.textContent = number(value);
    const even = unit(entry) === "share" ? ` (${number(value * places(entry))} × even)` : "";
    const where = `row ${row + 1}, column ${col + 1} of ${entry.grid.rows} × ${entry.grid.cols}`;
    return [
      `${this.card(active.row).title}, ${active.stage}, ${METHODS[active.method]}: `,
      name,
      `${even}, ${where}`,
    ];
  }
}
