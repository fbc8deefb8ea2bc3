// The number below a cell, as exact as its box has room for: a digit that is cut off would make it another number.
import { number, raised, setText } from "../lib/format.js";

const context = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
const SAFE = 1; // px

/**
 * What may be said of a mask's range, the longest first: both ends, with their exponent once where
 * they share it, else the largest alone.
 * @param {number} low @param {number} high @returns {string[]}
 */
export function rangeTexts(low, high) {
  const power = Math.floor(Math.log10(Math.max(Math.abs(low), Math.abs(high)))); // below 0.0001 numbers have an exponent
  const [a, b] = [low, high].map((value) => number(Number((value / 10 ** power).toPrecision(2))));
  const shared = power < -4 && low !== 0 ? [`(${a}–${b})\u202f×10${raised(String(power))}`] : [];
  return [`${number(low)}–${number(high)}`, ...shared, ...maxTexts(high)];
}

/** @param {number} high @returns {string[]} */
export const maxTexts = (high) => [`max ${number(high)}`, number(high)];

export class Caption {
  /** @param {HTMLElement} element perhaps with the method's word and a place for the number */
  constructor(element) {
    this.element = element;
    /** @type {HTMLElement | null} */
    this.word = element.querySelector(".method-word");
    this.place = /** @type {HTMLElement} */ (element.querySelector("[data-value]") ?? element);
    this.font = "";
    this.room = 0; // px
    this.worded = false; // whether the method's word is on show
  }

  /** Find out how much room there is, when sizes have changed; write later, all at once. */
  measure() {
    this.font ||= fontOf(this.element);
    const word = this.word?.offsetWidth ?? 0;
    this.worded = word > 0;
    this.room = this.element.clientWidth - SAFE - (word && word + widthOf(" ", this.font));
  }

  /** @param {...string} texts the longest first; nothing where none fits */
  write(...texts) {
    const short = this.worded ? texts.filter((text) => !text.startsWith("max ")) : texts; // beside “CAM” a number is the largest
    const all = short.flatMap((text) => [text, text.replaceAll("\u202f", "")]);
    setText(this.place, all.find((text) => widthOf(text, this.font) <= this.room) ?? "");
  }
}

/** @param {HTMLElement} element @returns {string} */
function fontOf(element) {
  const { fontWeight, fontSize, fontFamily } = getComputedStyle(element);
  return `${fontWeight} ${fontSize} ${fontFamily}`;
}

/** Digits are as wide as a nought here, as in the page. @param {string} text @param {string} font @returns {number} px */
function widthOf(text, font) {
  context.font = font;
  return context.measureText(text.replace(/\d/g, "0")).width;
}
