// Small helpers for building the page.
import { ago } from "./format.js";

/** @param {string} name @returns {any} the element with that data attribute */
export const part = (name) => document.querySelector(`[data-${name}]`);

/**
 * @param {string} tag with classes: "p.label.num"
 * @param {Record<string, any>} [attributes] names with "on" are listeners, `text` is the text
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function make(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") element.textContent = String(value);
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(.../** @type {any} */ (children.filter((child) => child || child === "")));
  return element;
}

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...Element} children @returns {SVGElement} */
export function svg(tag, attributes, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS("http://www.w3.org/2000/svg", tag));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

const PATHS = {
  up: "M8 13V3.5M4 7.2 8 3.2l4 4", down: "M8 3v9.5M4 8.8l4 4 4-4", close: "m4 4 8 8m0-8-8 8",
  pause: "M5.5 3.5v9m5-9v9", play: "M5 3.2v9.6L12.5 8z", again: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  grip: "M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01", stop: "M4.5 4.5h7v7h-7z",
  download: "M8 2.5v8M4.8 7.4 8 10.6l3.2-3.2M2.5 13.5h11",
};

/** @param {keyof typeof PATHS} name @returns {SVGElement} */
export const icon = (name) => svg(
  "svg", {
    viewBox: "0 0 16 16", fill: "none", stroke: "currentColor", "stroke-width": name === "grip" ? 2 : 1.5,
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  }, svg("path", { d: PATHS[name] }),
);

/**
 * A button with an icon and a name for screen readers.
 * @param {keyof typeof PATHS} picture @param {string} label @param {(event: Event) => void} onclick
 * @param {Record<string, any>} [more]
 */
export const iconButton = (picture, label, onclick, more = {}) =>
  make("button.button.quiet.icon", { type: "button", "aria-label": label, title: label, onclick, ...more }, icon(picture));

/**
 * A button in a frame whose map has not come, or none.
 * @param {HTMLElement} frame @param {boolean} failed @param {() => void} again @param {string} [words] why, in a sentence
 */
export function offerAgain(frame, failed, again, words = "") {
  const known = frame.querySelector(".again");
  if (!failed) return known?.remove();
  if (known) return;
  const onclick = (/** @type {Event} */ event) => {
    event.stopPropagation(); // a click on the frame enlarges it
    again();
  };
  frame.append(make("button.button.again", { type: "button", title: words, onclick, onkeydown: (/** @type {Event} */ event) => event.stopPropagation(), text: "Try again" }));
}

/** Say a problem in the page's alert, or take it away. @param {string} [sentence] */
export function showProblem(sentence = "") {
  const notice = part("problem");
  notice.hidden = !sentence;
  notice.textContent = sentence;
}

/** For screen readers: what has just changed. @param {string} sentence */
export function tell(sentence) {
  part("live").textContent = sentence;
}

/**
 * Do something that may fail; the button waits, the page says why.
 * @param {HTMLElement | null} button @param {() => Promise<any>} work
 * @returns {Promise<boolean>} whether it worked
 */
export async function attempt(button, work) {
  if (button?.hasAttribute("aria-busy")) return false;
  button?.setAttribute("aria-busy", "true");
  try {
    await work();
    showProblem();
    return true;
  } catch (error) {
    showProblem(/** @type {Error} */ (error).message);
    return false;
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** @param {(now: number) => void} work @returns {() => void} does it once, before the next picture */
export function batched(work) {
  let scheduled = 0;
  return () => {
    scheduled ||= requestAnimationFrame((now) => {
      scheduled = 0;
      work(now);
    });
  };
}

/** Write how long ago each time on the page was. @param {ParentNode} [root] */
export function showTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-ago]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const then = new Date(time.dateTime);
    time.textContent = ago(then);
    time.title = then.toLocaleString();
  }
}

/** Give a file to the visitor. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The data that the page came with. */
export const data = JSON.parse(document.getElementById("data")?.textContent ?? "{}");
export const API = data.urls?.api ?? "/api/v1";
