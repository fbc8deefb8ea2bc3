// The settings of the form: touched or not, in range or not, and what a network's recipe says.
import { setText } from "../lib/format.js";

/** @typedef {{element: HTMLElement, name: string, owner: string, type: string, standard: string, input: any, touched: boolean}} Setting */

export class Fields {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.form = form;
    /** @type {Setting[]} */
    this.all = [...form.querySelectorAll("[data-type]")].map((one) => {
      const element = /** @type {HTMLElement} */ (one);
      const { field = "", owner = "", type = "", default: standard = "" } = element.dataset;
      return { element, name: field, owner, type, standard, input: element.querySelector("[data-input]"), touched: false };
    });
    for (const setting of this.all) {
      setting.input.addEventListener("input", () => this.#touch(setting, true));
      setting.element.querySelector("[data-back]")?.addEventListener("click", () => this.back(setting));
    }
  }

  /** @param {Setting} setting @param {boolean} touched */
  #touch(setting, touched) {
    setting.touched = touched;
    setting.element.classList.toggle("touched", touched);
    /** @type {HTMLElement} */ (setting.element.querySelector("[data-back]")).hidden = !touched;
    this.#say(setting, "");
  }

  /** @param {Setting} setting */
  back(setting) {
    if (setting.type === "bool") setting.input.checked = /^true$/i.test(setting.standard);
    else setting.input.value = setting.standard;
    this.#touch(setting, false);
    setting.input.focus();
    this.form.dispatchEvent(new Event("input"));
  }

  /** @param {string} name @returns {Setting | undefined} a setting of the run */
  find(name, owner = "config") {
    return this.all.find((one) => one.name === name && one.owner === owner);
  }

  /** @param {string} name @returns {any} what the form shows now */
  value(name) {
    const setting = this.find(name);
    return setting && read(setting);
  }

  /** @param {string} name @param {any} value as if typed */
  set(name, value) {
    const setting = this.find(name);
    if (!setting) return;
    setting.input.value = String(value);
    setting.input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @returns {{config: Record<string, any>, parameters: Record<string, Record<string, any>>}} */
  touched() {
    /** @type {{config: Record<string, any>, parameters: Record<string, Record<string, any>>}} */
    const out = { config: {}, parameters: {} };
    for (const setting of this.all.filter((one) => one.touched && !one.element.hidden)) {
      if (setting.owner === "config") out.config[setting.name] = read(setting);
      else (out.parameters[setting.owner] ??= {})[setting.name] = read(setting);
    }
    return out;
  }

  /** @param {Setting} setting @param {string} words */
  #say(setting, words) {
    say(setting.element, words);
    if (words) setting.input.setAttribute("aria-invalid", "true");
    else setting.input.removeAttribute("aria-invalid");
  }

  /** @returns {boolean} whether all are in their ranges; the browser's own sentence otherwise */
  check() {
    let good = true;
    for (const setting of this.all.filter((one) => !one.element.hidden)) {
      const fine = setting.input.checkValidity();
      this.#say(setting, fine ? "" : setting.input.validationMessage);
      good &&= fine;
    }
    return good;
  }

  /** Show what counts for a dataset of this kind only. @param {string} kind images or clips */
  showKind(kind) {
    for (const element of this.form.querySelectorAll("[data-kind]")) {
      /** @type {HTMLElement} */ (element).hidden = /** @type {HTMLElement} */ (element).dataset.kind !== kind;
    }
  }

  clear() {
    for (const element of this.form.querySelectorAll("[data-field]")) say(/** @type {HTMLElement} */ (element), "");
  }

  /** @param {string} name @param {string} words @returns {boolean} whether there is such a field */
  fail(name, words) {
    const element = /** @type {HTMLElement | null} */ (this.form.querySelector(`[data-field="${CSS.escape(name)}"]`));
    if (!element?.querySelector("[data-error]")) return false;
    say(element, words);
    element.querySelector("input, select")?.setAttribute("aria-invalid", "true");
    return true;
  }

  /** "config.lr: must be at most 1. parameters.cbam.ratio: ..." @param {string} sentence @returns {boolean} */
  failFromServer(sentence) {
    const parts = sentence.split(/\s(?=[\w-]+(?:\.[\w-]+)*: )/).map((one) => /^([\w.-]+): (.*)$/s.exec(one.trim()));
    let found = false;
    for (const match of parts) {
      if (!match) continue;
      const names = match[1].split(".");
      const owner = names[0] === "parameters" && names.length > 2 ? names[1] : "config";
      const setting = names.map((name) => this.find(name, owner)).find(Boolean);
      const words = match[2].charAt(0).toUpperCase() + match[2].slice(1);
      if (setting) this.#say(setting, words);
      if (setting || names.some((name) => this.fail(name, words))) found = true;
    }
    return found || this.#byName(sentence);
  }

  /** A sentence that begins with a setting's name: "frozen_blocks goes from 0 to 6." @param {string} sentence */
  #byName(sentence) {
    const named = this.all.filter((one) => one.owner === "config" && new RegExp(`\\b${one.name}\\b`).test(sentence));
    for (const setting of named.slice(0, 2)) this.#say(setting, sentence);
    return named.length > 0;
  }

  /**
   * Say beside a setting what counts instead of it while it is not touched.
   * @param {any[]} mechanisms those that are chosen @param {Record<string, any>} scratch what suits random weights
   */
  showRecipes(mechanisms, scratch) {
    const random = this.value("start") === "scratch";
    for (const setting of this.all.filter((one) => one.owner === "config")) {
      const own = /** @type {HTMLElement} */ (setting.element.querySelector("[data-own]"));
      const recipes = mechanisms.filter((one) => setting.name in (one.recipe ?? {})).map((one) => `${one.title}: ${one.recipe[setting.name]}`);
      const suited = setting.name in scratch ? [`From random weights: ${scratch[setting.name]}`] : [];
      const says = setting.touched || setting.name === "start" ? [] : random ? suited : recipes;
      own.hidden = says.length === 0;
      setText(own, says.join(" · "));
    }
  }
}

/** @param {Setting} setting @returns {any} */
function read({ type, input }) {
  if (type === "bool") return input.checked;
  return type === "int" || type === "float" ? Number(input.value) : input.value;
}

/** @param {HTMLElement} element @param {string} words */
function say(element, words) {
  const error = /** @type {HTMLElement | null} */ (element.querySelector("[data-error]"));
  if (!error) return;
  error.hidden = !words;
  setText(error, words);
  if (!words) for (const one of element.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
}
