// The toolbar: fields of the form follow the view, the view follows the fields.

/** @typedef {import("./view.js").ViewState} ViewState */
/** @typedef {import("./view.js").View} View */

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-tools]"));
const colourField = /** @type {HTMLSelectElement} */ (form.querySelector("[data-colours]"));
const PLAIN = ["show", "scale", "truth", "smooth"]; // a choice among words
const RANGES = ["opacity", "threshold"];

/** @param {string} name @returns {any} */
const field = (name) => form.elements.namedItem(name);

/** @param {View} view @param {import("../lib/colours.js").Colours} colours */
export function showTools(view, colours) {
  for (const name of PLAIN) {
    const value = view[name];
    field(name).value = typeof value === "boolean" ? (value ? "1" : "0") : value;
  }
  for (const name of RANGES) {
    field(name).value = view[name];
    const output = /** @type {HTMLOutputElement} */ (form.querySelector(`output[for="${name}"]`));
    output.value = `${view[name]} %`;
  }
  field("signed").checked = view.signed;
  showColours(view, colours);
}

/** One list of colours: those of the signed view while it is on. @param {View} view @param {import("../lib/colours.js").Colours} colours */
function showColours(view, colours) {
  const kind = view.signed ? "diverging" : "sequential";
  if (colourField.dataset.kind !== kind) {
    colourField.dataset.kind = kind;
    colourField.replaceChildren(
      ...colours.names(kind).map((name) => new Option(colours.maps[name].title, name)),
    );
  }
  colourField.value = view.signed ? view.diverging : view.colours;
}

/**
 * The true class may be any that a model on show knows, and what a link says.
 * @param {string[]} classes @param {string} truth
 */
export function showTruths(classes, truth) {
  const list = /** @type {HTMLSelectElement} */ (field("truth"));
  const names = truth && !classes.includes(truth) ? [truth, ...classes] : classes;
  if (list.options.length === names.length + 1) return;
  const [unknown] = list.options;
  list.replaceChildren(unknown, ...names.map((name) => new Option(name)));
}

/** @param {ViewState} state */
export function bindTools(state) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name, type, value, checked } = /** @type {HTMLInputElement} */ (event.target);
    if (event.target === colourField) state.set(state.now.signed ? { diverging: value } : { colours: value });
    else if (RANGES.includes(name)) state.set({ [name]: Number(value) });
    else if (name === "smooth") state.set({ smooth: value === "1" });
    else if (type === "checkbox") state.set({ signed: checked });
    else if (PLAIN.includes(name)) state.set({ [name]: value });
  });
  const more = /** @type {HTMLElement} */ (form.querySelector("[data-more]"));
  more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") !== "true";
    more.setAttribute("aria-expanded", String(open));
    form.classList.toggle("open", open);
  });
}

/** @template T @param {T[]} list @param {T} now @returns {T} */
const after = (list, now) => list[(list.indexOf(now) + 1) % list.length];

/**
 * What single keys do to the view.
 * @param {ViewState} state @param {import("../lib/colours.js").Colours} colours
 * @returns {Record<string, () => void>}
 */
export function toolShortcuts(state, colours) {
  const nudge = (/** @type {"opacity" | "threshold"} */ name, /** @type {number} */ by) => () =>
    state.set({ [name]: Math.min(100, Math.max(0, state.now[name] + by)) });
  return {
    b: () => state.set({ show: "both" }),
    m: () => state.set({ show: "mask" }),
    g: () => state.set({ show: "cam" }),
    "[": nudge("opacity", -5),
    "]": nudge("opacity", 5),
    ",": nudge("threshold", -5),
    ".": nudge("threshold", 5),
    c: () => {
      const { signed, colours: one, diverging } = state.now;
      if (signed) state.set({ diverging: after(colours.names("diverging"), diverging) });
      else state.set({ colours: after(colours.names("sequential"), one) });
    },
    s: () => state.set({ scale: after(["map", "row", "shared", "absolute"], state.now.scale) }),
    n: () => state.set({ signed: !state.now.signed }),
    i: () => state.set({ smooth: !state.now.smooth }),
    t: () => /** @type {HTMLElement} */ (form.querySelector("#target")).focus(),
  };
}
