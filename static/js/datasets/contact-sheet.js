// The contact sheet: a row of thumbnails for each class, filled when it comes into view.
import { make, part } from "../lib/dom.js";
import { count } from "./words.js";

const FIRST = 12;
const MORE = 60;
const SIZE = 72;

/** @typedef {"train" | "val"} Split */

export class ContactSheet {
  /** @param {any} dataset */
  constructor(dataset) {
    this.dataset = dataset;
    /** @type {Split} */
    this.split = "train";
    /** @type {Record<Split, number[]>} where each class begins: images are sorted by class */
    this.starts = { train: startsOf(dataset.classes, "train"), val: startsOf(dataset.classes, "val") };
    this.label = 0;
    this.place = 0;
    this.viewer = /** @type {HTMLDialogElement} */ (part("viewer"));
  }

  start() {
    const rows = [...document.querySelectorAll("[data-class]")];
    const seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          seen.unobserve(entry.target);
          this.#fill(/** @type {HTMLElement} */ (entry.target), 0, this.#fitting(entry.target));
        }
      },
      { rootMargin: "400px" },
    );
    for (const row of rows) seen.observe(row);
    part("split").addEventListener("change", (event) => {
      this.split = /** @type {Split} */ (/** @type {HTMLInputElement} */ (event.target).value);
      for (const row of rows) {
        row.classList.remove("open");
        row.querySelector("[data-thumbs]")?.replaceChildren();
        seen.unobserve(row);
        seen.observe(row);
      }
    });
    this.#bindViewer();
  }

  /** How many thumbnails fill one line, the last place being for "more". @param {Element} row */
  #fitting(row) {
    const width = row.querySelector("[data-thumbs]")?.clientWidth ?? 0;
    return Math.max(2, Math.floor((width + 4) / (SIZE + 4))) || FIRST;
  }

  /** @param {HTMLElement} row @param {number} from @param {number} most */
  #fill(row, from, most) {
    const label = Number(row.dataset.class);
    const box = /** @type {HTMLElement} */ (row.querySelector("[data-thumbs]"));
    const { name, [this.split]: total } = this.dataset.classes[label];
    box.querySelector(".more, .none")?.remove();
    const to = from + most >= total ? total : from + most - 1;
    for (let place = from; place < to; place += 1) box.append(this.#thumb(label, name, place));
    if (total === 0) box.append(make("p.none.label", { text: "No image of this class." }));
    else if (to < total) box.append(this.#more(row, name, to, total));
  }

  /** @param {number} label @param {string} name @param {number} place */
  #thumb(label, name, place) {
    const image = make("img", {
      width: SIZE, height: SIZE, loading: "lazy", alt: `${name}, image ${place + 1}`, src: this.#address(label, place, "96"),
    });
    return make("button.thumb", { type: "button", onclick: () => this.#open(label, place) }, image);
  }

  /** @param {HTMLElement} row @param {string} name @param {number} shown @param {number} total */
  #more(row, name, shown, total) {
    const onclick = () => {
      row.classList.add("open");
      this.#fill(row, shown, MORE);
      /** @type {HTMLElement} */ (row.querySelectorAll(".thumb")[shown]).focus();
    };
    const label = `More images of ${name}; ${total - shown} are not shown`;
    return make("button.more.num", { type: "button", text: `+${count(total - shown)}`, "aria-label": label, onclick });
  }

  /** @param {number} label @param {number} place @param {string} size */
  #address(label, place, size) {
    const index = this.starts[this.split][label] + place;
    return `${this.dataset.links.images}/${this.split}/${index}?size=${size}`;
  }

  #bindViewer() {
    part("viewer-close").addEventListener("click", () => this.viewer.close());
    this.viewer.addEventListener("click", (event) => {
      if (event.target === this.viewer) this.viewer.close(); // the backdrop
    });
    for (const element of document.querySelectorAll("[data-viewer-step]")) {
      const step = Number(/** @type {HTMLElement} */ (element).dataset.viewerStep);
      element.addEventListener("click", () => this.#step(step));
    }
    this.viewer.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") this.#step(-1);
      if (event.key === "ArrowRight") this.#step(1);
    });
  }

  /** @param {number} label @param {number} place */
  #open(label, place) {
    this.label = label;
    this.place = place;
    this.#show();
    this.viewer.showModal();
  }

  /** @param {number} step */
  #step(step) {
    const total = this.dataset.classes[this.label][this.split];
    this.place = (this.place + step + total) % total;
    this.#show();
  }

  #show() {
    const { name, [this.split]: total } = this.dataset.classes[this.label];
    const image = /** @type {HTMLImageElement} */ (part("viewer-image"));
    image.src = this.#address(this.label, this.place, "full");
    image.alt = `${name}, image ${this.place + 1}`;
    part("viewer-class").textContent = name;
    const where = this.split === "train" ? "training" : "validation";
    part("viewer-place").textContent = `${count(this.place + 1)} of ${count(total)} for ${where}`;
  }
}

/** @param {any[]} classes @param {Split} split @returns {number[]} */
function startsOf(classes, split) {
  let place = 0;
  return classes.map((one) => (place += one[split]) - one[split]);
}
