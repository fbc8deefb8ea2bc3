// The models as a strip of chips: what each answers, and whether it agrees with the one shown large.
import { part } from "../lib/dom.js";
import { inWords, setText } from "../lib/format.js";
import * as small from "../small/words.js";
import { brief, declines } from "./sentence.js";

/** Signs and words, never colour alone. @type {Record<string, [string, string]>} */
const MARKS = {
  waiting: ["…", "waiting"], shown: ["●", "shown"], agrees: ["=", "agrees"], differs: ["≠", "differs"],
  other: ["◇", "other classes"], abstains: ["–", "abstains"],
};

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

export class Chips {
  /** @param {HTMLElement} element a radio group @param {any[]} cards one a chip @param {(id: string) => void} choose */
  constructor(element, cards, choose) {
    this.element = element;
    this.all = new Map(cards.map((card) => [card.id, card]));
    this.cards = cards; // on show
    element.addEventListener("click", ({ target }) => {
      const chip = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest("[data-chip]"));
      if (chip) choose(chip.dataset.chip ?? "");
    });
    element.addEventListener("keydown", (event) => {
      const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
      const from = this.cards.findIndex(({ id }) => this.#chip(id) === event.target);
      if (!step || from < 0) return;
      event.preventDefault();
      event.stopPropagation(); // the page's own arrows
      const { id } = this.cards[(from + step + this.cards.length) % this.cards.length];
      this.#chip(id).focus();
      choose(id);
    });
  }

  /** @param {string} id @returns {HTMLElement} */
  #chip(id) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-chip="${CSS.escape(id)}"]`));
  }

  /** Only these, in this order. @param {string[]} ids */
  order(ids) {
    if (ids.join() === this.cards.map(({ id }) => id).join()) return;
    this.cards = ids.map((id) => this.all.get(id));
    for (const id of this.all.keys()) this.#chip(id).hidden = !ids.includes(id);
    this.element.append(...ids.map((id) => this.#chip(id)));
  }

  /**
   * @param {string} model shown large @param {(id: string) => any} predictionOf
   * @param {(id: string) => any} [before] what it said of the photo that is made small now, or null
   */
  show(model, predictionOf, before = () => null) {
    const chosen = this.cards.findIndex(({ id }) => id === model);
    const answer = predictionOf(model);
    const marks = this.cards.map((card) => markOf(predictionOf(card.id), card, answer));
    const pairs = this.cards.map(({ id }) => ({ now: predictionOf(id), before: before(id) }));
    setText(part("chips-words"), (!marks.includes("waiting") && small.countWords(pairs)) || countWords(marks, answer));
    this.cards.forEach((card, index) => {
      const prediction = predictionOf(card.id);
      const chip = this.#chip(card.id);
      chip.setAttribute("aria-checked", String(index === chosen));
      chip.tabIndex = index === chosen ? 0 : -1;
      const was = prediction && pairs[index].before;
      const [sign, word] = was ? small.chipWords(prediction, was) : MARKS[index === chosen && prediction ? "shown" : marks[index]];
      const says = prediction ? sayOf(prediction, card, was) : { name: "", share: "" };
      chip.title = [card.title, [says.name, says.share].filter(Boolean).join(" ")].filter(Boolean).join(": "); // cut names, whole
      [says.name, says.share, sign, word].forEach((text, place) => setText(chip.querySelectorAll("[data-part]")[place], text));
    });
  }
}

/** @param {any} prediction @param {any} card its model @param {any} answer of the model shown @returns {keyof typeof MARKS} */
function markOf(prediction, card, answer) {
  if (!prediction) return "waiting";
  if (declines(prediction, card.classes.length)) return "abstains";
  const name = answer?.top[0].name;
  if (prediction.top[0].name === name) return "agrees";
  return !name || card.classes.includes(name) ? "differs" : "other";
}

/** How many say the same. @param {string[]} marks of all models @param {any} answer of the model shown @returns {string} */
function countWords(marks, answer) {
  const count = (/** @type {string} */ mark) => marks.filter((one) => one === mark).length;
  const [all, abstain, waiting] = [marks.length, count("abstains"), count("waiting")];
  if (waiting) return `${all - waiting} of ${all} models have answered`;
  const abstaining = abstain > 0 && `${abstain} of ${all} ${abstain === 1 ? "knows" : "know"} none of it`;
  const same = count("agrees");
  const agreeing = same > 0 && `${same} of ${all} ${same === 1 ? "models says" : "models say"} “${inWords(answer.top[0].name)}”`;
  return [agreeing, abstaining].filter(Boolean).join(", ");
}

/** @param {any} prediction @param {any} card @param {boolean} anyway its first class, also where it abstains */
function sayOf(prediction, { classes }, anyway) {
  if (!anyway && declines(prediction, classes.length)) return { name: "none it knows", share: "" };
  const [{ name, probability }] = prediction.top;
  return { name: inWords(name), share: brief(probability) };
}
