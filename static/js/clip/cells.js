// The table's cells: which are in sight, what they show now, and what is said of them.
import { number, setText } from "../lib/format.js";
import { valueAt } from "../lib/maps.js";
import { METHODS } from "../lib/methods.js";
import { moment } from "./moments.js";
import { Picture } from "./picture.js";
import { keyOf, mapAt } from "./tracks.js";
import { silence } from "./words.js";

/** @typedef {import("./tracks.js").Track} Track */
export const STREAMS = { rgb: "RGB", flow: "flow" };

export class Cell {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    const { model = "", stream = "", stage = "", method = "" } = element.dataset;
    this.row = model;
    this.stream = stream;
    this.stage = stage;
    this.method = method;
    this.key = keyOf(model, stream, stage, method);
    this.frame = /** @type {HTMLElement | null} */ (element.querySelector(".frame"));
    this.picture = this.frame && new Picture(this.frame);
    this.painter = this.picture; // what the arrow keys of the photo's table ask for
    this.caption = element.querySelector("[data-value]");
    this.words = this.frame?.querySelector(".words") ?? null;
    this.seen = false;
    this.drawn = false;
    this.due = false;
  }

  /** @param {Track | null} track @param {import("./picture.js").Look} look @param {import("./picture.js").Base} base @param {number} t */
  draw(track, look, base, t) {
    if (!this.picture || !track?.data || !base.ready) return;
    this.picture.ground(base);
    this.picture.map(track, look, t);
    if (!this.drawn) this.element.classList.add("drawn");
    this.drawn = true;
  }

  /**
   * Facts that do not change with time.
   * @param {Track | null} track @param {string} title of the model @param {import("./view.js").View} view
   */
  name(track, title, view) {
    if (!this.picture) return;
    const name = `${title}, ${STREAMS[this.stream]} ${this.stage}, ${METHODS[this.method] ?? this.method}`;
    this.element.classList.toggle("ready", Boolean(track?.data));
    if (!track?.data) return this.element.setAttribute("aria-label", `${name}: not ready yet`);
    const silent = silence(track, view);
    if (this.words) setText(this.words, silent);
    this.words?.classList.toggle("on", silent !== "");
    const range = `over the clip from ${number(track.min)} to ${number(track.max)}`;
    return this.element.setAttribute("aria-label", `${name}: ${silent && `${silent}; `}${range}`);
  }

  /** The number below: the value at the cursor, or the largest. @param {Track | null} track @param {number} t @param {boolean} raw @param {{x: number, y: number} | null} cursor */
  read(track, t, raw, cursor) {
    if (!this.caption || !track?.data) return;
    const map = mapAt(track, moment(track.times, t, raw));
    this.caption.classList.toggle("peak", !cursor);
    setText(this.caption, number(cursor ? valueAt(map, cursor).value : map.max));
  }
}

/** All cells of the table. */
export class Cells {
  /** @param {HTMLElement} grid @param {import("./tracks.js").Tracks} tracks @param {() => void} onSeen */
  constructor(grid, tracks, onSeen) {
    this.grid = grid;
    this.tracks = tracks;
    this.next = 0;
    this.all = [...grid.querySelectorAll('[role="gridcell"]')].map((one) => new Cell(/** @type {HTMLElement} */ (one)));
    const watch = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) {
        const cell = this.all.find((one) => one.element === target);
        if (cell) cell.seen = cell.due = isIntersecting;
      }
      onSeen();
    }, { rootMargin: "120px" });
    for (const cell of this.all) if (cell.picture) watch.observe(cell.element);
  }

  /** @param {Cell} cell */
  track(cell) {
    return this.tracks.all.get(cell.key) ?? null;
  }

  /** @returns {boolean} whether any cell changed its size */
  fit() {
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
   * @param {import("./picture.js").Look} look @param {import("./picture.js").Base} base
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

  /** @param {number} t @param {boolean} raw @param {{x: number, y: number} | null} cursor @param {boolean} all in sight or not */
  read(t, raw, cursor, all) {
    for (const cell of this.all) if (cell.seen || all) cell.read(this.track(cell), t, raw, cursor);
  }

  /**
   * @param {(id: string) => string} titleOf @param {string[]} shown keys of the player's layers
   * @param {import("./view.js").View} view
   */
  name(titleOf, shown, view) {
    for (const cell of this.all) {
      cell.name(this.track(cell), titleOf(cell.row), view);
      cell.element.classList.toggle("selected", shown.includes(cell.key));
    }
  }
}

/**
 * What lies under the cursor, in words.
 * @param {Track} track @param {string} title @param {number} t @param {boolean} raw
 * @param {{x: number, y: number}} cursor
 */
export function cursorWords(track, title, t, raw, cursor) {
  const { row, col, value } = valueAt(mapAt(track, moment(track.times, t, raw)), cursor);
  const where = `row ${row + 1}, column ${col + 1} of ${track.rows} × ${track.cols}`;
  return `${title}, ${STREAMS[track.stream]} ${track.stage}: ${number(value)}, ${where}`;
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
