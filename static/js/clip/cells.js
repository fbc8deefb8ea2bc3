// The table of a clip: which cells are in sight, what they show now, and what is said of them.
import { maxTexts } from "../analysis/caption.js";
import { Cell, showWords } from "../analysis/cells.js";
import { insteadOfMap } from "../analysis/drawing.js";
import { number } from "../lib/format.js";
import { valueAt } from "../lib/maps.js";
import { moment } from "./moments.js";
import { Picture } from "./picture.js";
import { mapAt, wordsAt } from "./tracks.js";

/** @typedef {import("./tracks.js").Track} Track */
/** @typedef {import("../analysis/drawing.js").Look} Look */
/** @typedef {import("../lib/cursor.js").Cursor} Cursor */

export class ClipCell extends Cell {
  /** @param {HTMLElement} element */
  constructor(element) {
    super(element);
    this.picture = this.frame && new Picture(this.frame);
    this.seen = false;
    this.due = false;
    this.instead = ""; // words that hold at any time
  }

  /** @param {Track | null} track @param {Look} look @param {import("./picture.js").Base} base @param {number} t */
  draw(track, look, base, t) {
    if (!this.picture || !track?.data || !base.ready) return;
    this.picture.ground(base);
    this.picture.map(track, look, t);
    this.element.classList.add("drawn");
  }

  /** Facts that do not change with time. @param {Track | null} track @param {string} title of the model @param {import("./view.js").View} view */
  describe(track, title, view) {
    if (!this.frame) return;
    const words = track?.data || track?.missing ? insteadOfMap(track, view) : "";
    this.instead = words;
    showWords(this.frame, words);
    const range = track && !track.missing ? `over the clip from ${number(track.min)} to ${number(track.max)}` : "";
    this.label(track, title, `${words}${words && range && "; "}${range}`);
  }

  /** The number below: the value at the cursor, or the largest. @param {Track | null} track @param {number} t @param {import("./view.js").View} view @param {Cursor | null} cursor */
  read(track, t, view, cursor) {
    if (!this.frame || !this.caption || !track?.data) return;
    showWords(this.frame, this.instead || wordsAt(track, view, t));
    const map = mapAt(track, moment(track.times, t, view.raw));
    this.caption.write(...(cursor ? [number(valueAt(map, cursor).value)] : maxTexts(map.max)));
  }
}

/** All cells of the table. */
export class Cells {
  /** @param {HTMLElement} grid @param {import("../analysis/store.js").Store} store @param {() => void} onSeen */
  constructor(grid, store, onSeen) {
    this.store = store;
    this.next = 0;
    this.all = [...grid.querySelectorAll('[role="gridcell"]')].map((one) => new ClipCell(/** @type {HTMLElement} */ (one)));
    for (const cell of this.all) cell.again = (entry) => store.again(entry);
    const watch = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) {
        const cell = this.all.find((one) => one.element === target);
        if (cell) cell.seen = cell.due = isIntersecting;
      }
      onSeen();
    }, { rootMargin: "120px" });
    for (const cell of this.all) if (cell.picture) watch.observe(cell.element);
  }

  /** @param {ClipCell} cell */
  track({ row, stream, stage, method }) {
    return this.store.entry({ model: row, stream, stage, method });
  }

  /** @returns {boolean} whether any cell changed its size */
  fit() {
    for (const cell of this.all) cell.caption?.measure();
    return this.all.filter((cell) => cell.picture?.fit()).length > 0;
  }

  /** Another frame or view: what is in sight is to be drawn again. */
  expire() {
    for (const cell of this.all) cell.due = cell.seen;
  }

  /** Time stands still: the rest as well, for print and for who scrolls fast. */
  complete() {
    for (const cell of this.all) cell.due = true;
  }

  /**
   * Draw some of what is due, in turn, so that a full table never holds up the player.
   * @param {Look} look @param {import("./picture.js").Base} base
   * @param {number} t @param {number} limit cells @returns {boolean} whether more is due
   */
  draw(look, base, t, limit) {
    const { all } = this;
    let left = limit;
    for (let count = 0; count < all.length; count += 1) {
      const cell = all[this.next];
      if (cell.due && left < 1) return true;
      if (cell.due) {
        cell.draw(this.track(cell), look, base, t);
        cell.due = false;
        left -= 1;
      }
      this.next = (this.next + 1) % all.length;
    }
    return false;
  }

  /** @param {number} t @param {import("./view.js").View} view @param {Cursor | null} cursor @param {boolean} all in sight or not */
  read(t, view, cursor, all) {
    for (const cell of this.all) if (cell.seen || all) cell.read(this.track(cell), t, view, cursor);
  }

  /**
   * @param {(id: string) => string} titleOf @param {string} layer of the player: its cells' id
   * @param {import("./view.js").View} view
   */
  describe(titleOf, layer, view) {
    for (const cell of this.all) {
      cell.describe(this.track(cell), titleOf(cell.row), view);
      cell.element.classList.toggle("selected", cell.id === layer && this.track(cell) !== null);
    }
  }
}

const [SLOW_MS, FEWEST, MOST] = [24, 2, 96];

/** How many cells a picture can take: fewer when pictures come late, slowly more when in time. */
export class Pace {
  constructor() {
    this.limit = 24;
    this.last = 0;
  }

  /** @param {number} now of this picture @param {boolean} running whether the one before was just now */
  tick(now, running) {
    if (running && now - this.last > SLOW_MS) this.limit = Math.max(FEWEST, this.limit * 0.6);
    else this.limit = Math.min(MOST, this.limit + 0.1);
    this.last = now;
  }
}
