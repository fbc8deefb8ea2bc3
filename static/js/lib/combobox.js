// An editable combobox with list autocomplete (the ARIA pattern of that name).
import { make } from "./dom.js";

/** @typedef {{value: any, label: string, note?: string, group?: string}} Option */

export class Combobox {
  /**
   * @param {HTMLInputElement} input @param {HTMLElement} list
   * @param {(query: string) => Option[]} find  options for what was typed
   * @param {(value: any) => void} choose
   */
  constructor(input, list, find, choose) {
    this.input = input;
    this.list = list;
    this.find = find;
    this.choose = choose;
    this.active = -1;
    this.label = input.value;
    /** @type {Option[]} */
    this.options = [];
    input.addEventListener("focus", () => input.select());
    input.addEventListener("click", () => this.open(""));
    input.addEventListener("input", () => this.open(input.value));
    input.addEventListener("blur", () => this.close());
    input.addEventListener("keydown", (event) => this.#key(event));
    // mousedown, because a click comes after the field has lost the focus
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = /** @type {Element} */ (event.target).closest('[role="option"]');
      if (item) this.#take(Number(/** @type {HTMLElement} */ (item).dataset.index));
    });
  }

  /** @param {string} label what the closed field says */
  show(label) {
    this.label = label;
    if (this.list.hidden) this.input.value = label;
  }

  /** @param {string} query */
  open(query) {
    this.options = this.find(query.trim().toLowerCase());
    this.active = query && this.options.length > 0 ? 0 : -1;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.#render();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.label;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (this.list.hidden) this.open("");
      else this.#move(key === "ArrowDown" ? 1 : -1);
    } else if (key === "Enter" && !this.list.hidden) this.#take(this.active);
    else if (key === "Escape" && !this.list.hidden) this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} by */
  #move(by) {
    const count = this.options.length;
    if (count === 0) return;
    this.active = (this.active + by + count) % count;
    this.#render();
  }

  /** @param {number} index */
  #take(index) {
    const option = this.options[index];
    if (!option) return;
    this.label = option.label;
    this.close();
    this.choose(option.value);
  }

  #render() {
    const items = [];
    let group = "";
    this.options.forEach((option, index) => {
      if (option.group && option.group !== group) {
        group = option.group;
        items.push(heading(group));
      }
      items.push(optionItem(option, index, index === this.active));
    });
    if (items.length === 0) items.push(heading("No class of these models is called that."));
    this.list.replaceChildren(...items);
    const active = this.list.querySelector('[aria-selected="true"]');
    active?.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", active?.id ?? "");
  }
}

/** @param {string} text @returns {HTMLElement} */
const heading = (text) => make("li.label", { role: "presentation", text });

/** @param {Option} option @param {number} index @param {boolean} active @returns {HTMLElement} */
const optionItem = ({ label, note = "" }, index, active) => make(
  "li", { role: "option", "aria-selected": String(active), id: `option-${index}`, "data-index": index },
  make("span", { text: label }), make("span.num", { text: note }),
);
