// The toolbar and the player's layer: fields follow the view, the view follows the fields.

/** @typedef {import("./view.js").ViewState} ViewState */
/** @typedef {import("./view.js").View} View */

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-tools]"));
const colourField = /** @type {HTMLSelectElement} */ (form.querySelector("[data-colours]"));
const WORDS = ["show", "scale"];
const SWITCHES = ["smooth", "raw"];
const RANGES = ["opacity", "threshold"];

/** @param {string} name @returns {any} */
const field = (name) => form.elements.namedItem(name);

/** @param {View} view @param {import("../lib/colours.js").Colours} colours */
export function showTools(view, colours) {
  for (const name of WORDS) field(name).value = view[name];
  for (const name of SWITCHES) field(name).value = view[name] ? "1" : "0";
  for (const name of RANGES) {
    field(name).value = view[name];
    const output = /** @type {HTMLOutputElement} */ (form.querySelector(`output[for="${name}"]`));
    output.value = `${view[name]} %`;
  }
  field("signed").checked = view.signed;
  const kind = view.signed ? "diverging" : "sequential";
  if (colourField.dataset.kind !== kind) {
    colourField.dataset.kind = kind;
    colourField.replaceChildren(...colours.names(kind).map((name) => new Option(colours.maps[name].title, name)));
  }
  colourField.value = view.signed ? view.diverging : view.colours;
}

/** @param {ViewState} state */
export function bindTools(state) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name, type, value, checked } = /** @type {HTMLInputElement} */ (event.target);
    if (event.target === colourField) state.set(state.now.signed ? { diverging: value } : { colours: value });
    else if (RANGES.includes(name)) state.set({ [name]: Number(value) });
    else if (SWITCHES.includes(name)) state.set({ [name]: value === "1" });
    else if (type === "checkbox") state.set({ signed: checked });
    else if (WORDS.includes(name)) state.set({ [name]: value });
  });
  const more = /** @type {HTMLElement} */ (form.querySelector("[data-more]"));
  more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") !== "true";
    more.setAttribute("aria-expanded", String(open));
    form.classList.toggle("open", open);
  });
}

const layer = /** @type {HTMLFormElement} */ (document.querySelector("[data-layer]"));

/** @typedef {{model: string, stage: string, method: string}} Layer */

/**
 * The layer that the address names, as far as it exists; a model without masks shows its evidence.
 * @param {View} view @param {Layer} standard @param {any[]} rows @param {string[]} stages @param {string[]} methods
 * @returns {Layer}
 */
export function layerOf(view, standard, rows, stages, methods) {
  const [model, stage, method] = view.layer.split(".");
  const card = rows.find(({ id }) => id === model) ?? rows.find(({ id }) => id === standard.model);
  const asked = methods.includes(method) ? method : standard.method;
  const has = (/** @type {string} */ one) => card.methods.includes(one);
  return {
    model: card.id,
    stage: stages.includes(stage) ? stage : standard.stage,
    method: has(asked) ? asked : (methods.find(has) ?? asked),
  };
}

/** @param {Layer} now @param {View} view @param {string[]} methods what the model has */
export function showLayer(now, view, methods) {
  for (const input of layer.querySelectorAll('[name="method"]')) {
    const radio = /** @type {HTMLInputElement} */ (input);
    radio.disabled = !methods.includes(radio.value);
  }
  for (const [name, value] of Object.entries({ ...now, under: view.under })) {
    /** @type {any} */ (layer.elements.namedItem(name)).value = value;
  }
  /** @type {any} */ (layer.elements.namedItem("arrows")).checked = view.arrows;
}

/** @param {ViewState} state */
export function bindLayer(state) {
  layer.addEventListener("submit", (event) => event.preventDefault());
  layer.addEventListener("input", () => {
    const value = (/** @type {string} */ name) => /** @type {any} */ (layer.elements.namedItem(name)).value;
    state.set({
      layer: `${value("model")}.${value("stage")}.${value("method")}`,
      under: value("under"),
      arrows: /** @type {any} */ (layer.elements.namedItem("arrows")).checked,
    });
  });
}

/** @template T @param {T[]} list @param {T} now @returns {T} */
const after = (list, now) => list[(list.indexOf(now) + 1) % list.length];

/**
 * What single keys do to the view.
 * @param {ViewState} state @param {import("../lib/colours.js").Colours} colours
 * @returns {Record<string, () => void>}
 */
export function toolKeys(state, colours) {
  const fade = (/** @type {number} */ by) => () =>
    state.set({ opacity: Math.min(100, Math.max(0, state.now.opacity + by)) });
  const flip = (/** @type {"signed" | "smooth" | "raw" | "arrows"} */ name) => () => state.set({ [name]: !state.now[name] });
  return {
    b: () => state.set({ show: "both" }), m: () => state.set({ show: "mask" }), g: () => state.set({ show: "cam" }),
    "[": fade(-5), "]": fade(5), n: flip("signed"), d: flip("smooth"), r: flip("raw"), a: flip("arrows"),
    c: () => {
      const { signed, colours: one, diverging } = state.now;
      if (signed) state.set({ diverging: after(colours.names("diverging"), diverging) });
      else state.set({ colours: after(colours.names("sequential"), one) });
    },
    s: () => state.set({ scale: after(["map", "row", "shared", "absolute"], state.now.scale) }),
    f: () => state.set({ under: state.now.under === "flow" ? "clip" : "flow" }),
    t: () => /** @type {HTMLElement} */ (form.querySelector("#target")).focus(),
  };
}
