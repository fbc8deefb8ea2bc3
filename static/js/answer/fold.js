// Folding the answer to a strip: once it is scrolled away, with a key of the table, or by its button.
import { part } from "../lib/dom.js";
import { arrowStep } from "../lib/keys.js";

const REST_MS = 160; // without scrolling
const STRIP_PX = 48; // at least
const PAGES = 50; // remembered

const page = location.pathname.split("/").at(-1) ?? "";
const root = document.documentElement;

/** Pages are remembered one by one; who presses the button means all. @param {(pages: string[]) => string[]} change */
function remember(change) {
  try {
    const pages = change(JSON.parse(localStorage.getItem("folded") ?? "[]"));
    localStorage.setItem("folded", JSON.stringify(pages.slice(-PAGES)));
  } catch {
    // not remembered, still folded
  }
}

export class Fold {
  /** @param {HTMLElement} element the answer */
  constructor(element) {
    this.element = element;
    part("fold").addEventListener("click", () => {
      this.fold();
      remember((pages) => [...pages, "all"]);
      part("unfold").focus();
    });
    part("unfold").addEventListener("click", () => {
      delete root.dataset.folded;
      remember((pages) => pages.filter((one) => one !== page && one !== "all"));
      part("fold").focus();
    });
    part("grid").addEventListener("keydown", (/** @type {KeyboardEvent} */ { key }) => arrowStep(key) && this.fold(), true);
    let resting = 0;
    addEventListener("scroll", () => {
      clearTimeout(resting);
      resting = setTimeout(() => this.#settle(), REST_MS);
    }, { passive: true });
  }

  /** @returns {boolean} */
  get folded() {
    return "folded" in root.dataset;
  }

  fold() {
    if (this.folded) return;
    root.dataset.folded = "now";
    remember((pages) => [...pages, page]);
  }

  /** So far down that what is on the screen can stay where it is while the answer above it folds. */
  #settle() {
    if (this.folded) return;
    const below = /** @type {Element} */ (this.element.parentElement?.lastElementChild);
    if (scrollY < this.element.offsetHeight - STRIP_PX) return;
    const before = below.getBoundingClientRect().top;
    this.fold();
    scrollBy({ top: below.getBoundingClientRect().top - before, behavior: "instant" });
  }
}
