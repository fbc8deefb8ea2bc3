// Which models: choose, hide and order the rows. Models of one study stay together.
import { remember, remembered } from "../lib/chosen.js";
import { data, iconButton, make, part } from "../lib/dom.js";
import { setText } from "../lib/format.js";
import { rerun } from "./status.js";

/** @typedef {import("./tools.js").ViewState} ViewState */

const { kind } = data.media;
/** @type {string[]} rows that this analysis has */
const computed = data.rows.map((/** @type {any} */ card) => card.id);
/** @type {Map<string, any>} */
const cards = new Map([...data.all_models, ...data.rows].map((card) => [card.id, card]));

/** What a model belongs to: its study, or the classes that it was trained on. @param {string} id @returns {string} */
const studyOf = (id) => cards.get(id).study_id ?? cards.get(id).classes.join();

/** @param {string[]} ids @returns {string[][]} by study, in the order of their first ones */
function studies(ids) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const id of ids) found.set(studyOf(id), [...(found.get(studyOf(id)) ?? []), id]);
  return [...found.values()];
}

/** @param {{models: string}} view @returns {string[]} the rows on show, from top to bottom */
export function shownModels({ models }) {
  const named = [...new Set(models.split(","))].filter((id) => computed.includes(id));
  return studies(named.length > 0 ? named : computed).flat();
}

/** One step up or down: within the study, or at its edge the whole study. @param {string[]} ids @param {string} id @param {1 | -1} by */
function moved(ids, id, by) {
  const groups = studies(ids);
  const at = groups.findIndex((group) => group.includes(id));
  const [list, from] = groups[at].length > 1 && groups[at].at(by < 0 ? 0 : -1) !== id
    ? [groups[at], groups[at].indexOf(id)] : [groups, at];
  const other = list[from + by];
  if (other) [list[from], list[from + by]] = /** @type {any} */ ([other, list[from]]);
  return groups.flat();
}

/** What a link says goes before what this browser remembers. @param {ViewState} state */
export function openChoice(state) {
  const { chosen, hidden } = remembered(kind);
  if (state.now.models || chosen.length === 0) return;
  const place = (/** @type {string} */ id) => (chosen.includes(id) ? chosen.indexOf(id) : chosen.length);
  const wanted = computed.filter((id) => !hidden.includes(id)).sort((a, b) => place(a) - place(b));
  if (wanted.length > 0) state.set({ models: wanted.join() === computed.join() ? "" : wanted.join() });
}

export class Chooser {
  /** @param {ViewState} state */
  constructor(state) {
    this.state = state;
    this.list = part("chooser-list");
    /** @type {Set<string>} models to be asked for */
    this.wanted = new Set();
    /** @type {string[]} every model, in the order of the list */
    this.order = [];
    this.look = make("button.button.primary", { type: "button", text: "Look with these models", onclick: () => this.#ask() });
    this.all = make("button.button.quiet", { type: "button", text: "Show all", onclick: () => this.#reset() });
    part("chooser").addEventListener("toggle", () => part("chooser").open && this.#open());
  }

  /** Put the rows in order, and hide the others. @param {{models: string}} view @param {{row: string}[]} cells are put in the same order */
  show(view, cells) {
    const shown = shownModels(view);
    const grid = part("grid");
    const order = [...shown, ...computed.filter((id) => !shown.includes(id))];
    const rows = order.map((id) => grid.querySelector(`[data-row="${CSS.escape(id)}"]`));
    rows.forEach((row, index) => (row.hidden = index >= shown.length));
    if (rows.some((row, index) => row !== grid.children[index + 1])) grid.append(...rows);
    cells.sort((a, b) => order.indexOf(a.row) - order.indexOf(b.row));
    const { length } = computed;
    setText(part("chosen"), shown.length === length ? `all ${length}` : `${shown.length} of ${length}`);
  }

  #open() {
    const shown = shownModels(this.state.now);
    this.wanted = new Set(shown);
    this.order = studies([...new Set([...shown, ...computed, ...cards.keys()])]).flat();
    this.#draw();
  }

  #draw() {
    const focused = document.activeElement?.getAttribute("aria-label");
    this.list.replaceChildren(
      ...studies(this.order).flatMap((ids) => [
        make("p.label", { text: heading(cards.get(ids[0])) }), make("ul.choices", {}, ...ids.map((id) => this.#line(id))),
      ]),
      make("p.choices-do", {}, this.look, this.all));
    this.look.disabled = [...this.wanted].every((id) => computed.includes(id));
    /** @type {HTMLElement | null} */ (focused && this.list.querySelector(`[aria-label="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {string} id */
  #line(id) {
    const { title } = cards.get(id);
    const [here, on] = [computed.includes(id), this.wanted.has(id)];
    const box = make("input", { type: "checkbox", checked: on, "aria-label": title, onchange: () => this.#toggle(id) });
    const step = (/** @type {"up" | "down"} */ way) =>
      iconButton(way, `Move ${title} ${way}`, () => this.#move(id, way === "up" ? -1 : 1));
    return make("li", {},
      make("label.check", {}, box, make("span", { text: title }), here ? null : make("span.label", { text: "not yet looked with" })),
      step("up"), step("down"));
  }

  /** @param {string} id */
  #toggle(id) {
    if (!this.wanted.delete(id)) this.wanted.add(id);
    this.#apply();
  }

  /** Past the next chosen one: the others go behind those. @param {string} id @param {1 | -1} by */
  #move(id, by) {
    const chosen = this.order.filter((one) => one === id || this.wanted.has(one));
    this.order = studies([...new Set([...moved(chosen, id, by), ...this.order])]).flat();
    this.#apply();
  }

  /** Rows that are there follow at once; at least one of them stays. */
  #apply() {
    const shown = this.order.filter((id) => this.wanted.has(id) && computed.includes(id));
    if (shown.length > 0) this.state.set({ models: shown.join() === computed.join() ? "" : shown.join() });
    const chosen = this.order.filter((id) => this.wanted.has(id));
    const hidden = new Set([...remembered(kind).hidden, ...computed].filter((id) => !this.wanted.has(id)));
    remember(kind, chosen.length > 0 ? { chosen, hidden: [...hidden] } : null);
    this.#draw();
  }

  #reset() {
    remember(kind, null);
    this.state.set({ models: "" });
    this.#open();
  }

  /** Another analysis, with the rows in this order. */
  #ask() {
    const search = new URLSearchParams(location.search);
    for (const name of ["models", "cell", "cam", "head", "layer", "stored"]) search.delete(name);
    rerun({ ...data.analysis.request, models: this.order.filter((id) => this.wanted.has(id)) }, search.size ? `?${search}` : "");
  }
}

/** @param {any} card of one of a study @returns {string} */
function heading({ study, classes }) {
  if (study) return study;
  const some = classes.slice(0, 3).map((/** @type {string} */ name) => name.replaceAll("_", " "));
  return `${classes.length} classes: ${some.join(", ")}${classes.length > 3 ? " …" : ""}`;
}
