// The table of a photo: draw its cells, mark the cursor in them, say what is under it.
import { mark } from "../lib/cursor.js";
import { part } from "../lib/dom.js";
import { number, setText } from "../lib/format.js";
import { peakWords, valueAt } from "../lib/maps.js";
import { isLearnt } from "../lib/scale.js";
import { Caption, maxTexts, rangeTexts } from "./caption.js";
import { Cell, cursorWords } from "./cells.js";
import { shownModels } from "./chooser.js";
import { makeLook } from "./drawing.js";
import { effectTexts } from "./effect.js";
import { Legend } from "./legend.js";
import { colours, evidence, root } from "./page.js";
import { Painter } from "./painter.js";

/** @typedef {import("../lib/cursor.js").Cursor} Cursor */
/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {import("./drawing.js").Look} Look */

export class PhotoCell extends Cell {
  /** @param {HTMLElement} element */
  constructor(element) {
    super(element);
    this.painter = this.frame && new Painter(this.frame);
    const effect = /** @type {HTMLElement | null} */ (element.querySelector("[data-effect]"));
    this.effect = effect && new Caption(effect); // of a learnt mask
    /** @type {Entry | null} */
    this.entry = null;
  }

  /** @param {Entry | null} entry @param {Look} look @param {string} title of the model */
  draw(entry, look, title) {
    if (!this.painter) return;
    this.entry = entry;
    const words = this.painter.draw(entry, look);
    const grid = entry?.grid;
    const effect = effectTexts(entry?.record.evidence)[0];
    const facts = grid ? `${peakWords(grid)}; range ${number(grid.min)} to ${number(grid.max)}${effect ? `; ${effect}` : ""}` : "";
    this.label(entry, title, words || facts);
  }

  /** @param {Cursor | null} cursor */
  read(cursor) {
    if (!this.caption) return;
    const { grid, record } = this.entry ?? {};
    this.effect?.write(...effectTexts(record?.evidence));
    if (!grid) this.caption.write("");
    else if (cursor) this.caption.write(number(valueAt(grid, cursor).value));
    else if (isLearnt(this)) this.caption.write(...rangeTexts(grid.min, grid.max)); // a mask near flat shows by its range
    else this.caption.write(...maxTexts(grid.max));
  }
}

export class Table {
  /** @param {import("./store.js").Store} store @param {any[]} cards every model that is offered */
  constructor(store, cards) {
    this.store = store;
    this.cards = new Map(cards.map((card) => [card.id, card]));
    this.grid = /** @type {HTMLElement} */ (part("grid"));
    this.cells = [...this.grid.querySelectorAll('[role="gridcell"]')].map(
      (element) => new PhotoCell(/** @type {HTMLElement} */ (element)),
    );
    for (const cell of this.cells) cell.again = (entry) => store.again(entry);
    /** @type {HTMLElement[]} */
    this.heads = [...this.grid.querySelectorAll("[data-stage-grid]")].map((head) => /** @type {HTMLElement} */ (head));
    this.legend = new Legend(part("legend"), [["Mask", false], [evidence.title, true]]);
    /** @type {Cursor | null} */
    this.cursor = null;
    /** @type {PhotoCell | null} */
    this.active = null;
  }

  /** @param {string} row @returns {any} Card JSON */
  card(row) {
    return this.cards.get(row);
  }

  /** @param {PhotoCell} cell */
  entry({ row, stream, stage, method }) {
    return this.store.entry({ model: row, stream, stage, method });
  }

  /** @param {any} view @returns {Look} */
  look(view) {
    const shown = shownModels(view);
    const entries = this.cells.flatMap((cell) => (shown.includes(cell.row) && this.entry(cell)) || []);
    return makeLook(view, colours, entries.filter(({ missing }) => !missing));
  }

  /** @param {Look} look */
  draw(look) {
    for (const cell of this.cells) {
      cell.draw(this.entry(cell), look, this.card(cell.row)?.title ?? cell.row);
      cell.element.classList.toggle("selected", cell.id === look.view.cell);
    }
    for (const head of this.heads) this.#showGrid(head);
    for (const cell of this.cells) {
      cell.caption?.measure();
      cell.effect?.measure();
    }
    this.read(look);
  }

  /** The grid of a stage, which follows from the photo's shape. @param {HTMLElement} head */
  #showGrid(head) {
    const { stageGrid: stage } = head.dataset;
    const entries = this.cells.filter((cell) => cell.stage === stage).map((cell) => this.entry(cell));
    const entry = entries.find((one) => one && !one.missing);
    if (entry && stage !== "combined") setText(head, `${entry.rows} × ${entry.cols}`);
  }

  /** Mark the cursor everywhere and say its values. @param {Look} look */
  read(look) {
    const { active, cursor } = this;
    mark(root, cursor);
    for (const cell of this.cells) cell.read(cursor);
    part("readout").replaceChildren(...this.#words());
    const entries = [true, false].map((learnt) => {
      const cell = this.cells.find(
        (one) => one.painter && one.row === active?.row && one.stage === active.stage && isLearnt(one) === learnt,
      );
      return cell ? this.entry(cell) : null;
    });
    const values = entries.map((entry) => (cursor && entry?.grid ? valueAt(entry.grid, cursor).value : null));
    this.legend.show(look, active ? `${this.card(active.row).title}, ${active.stage}` : "", entries, values);
  }

  /** @returns {(string | Node)[]} */
  #words() {
    const { active, cursor } = this;
    const entry = active && this.entry(active);
    if (!active || !entry?.grid || !cursor) return ["Point at a map to read its values; click to enlarge it."];
    return cursorWords(active.name(this.card(active.row).title), entry, entry.grid, cursor);
  }
}
