// The player's layer: one model's maps by one method at one stage, of both streams.
import { part } from "../lib/dom.js";
import { bindFields, fieldOf, showFields } from "../lib/fields.js";

/** @typedef {{model: string, stage: string, method: string}} Layer */

const form = /** @type {HTMLFormElement} */ (part("layer"));

/** @param {Layer} layer @returns {string} as the address and the table's cells name it */
export const layerId = ({ model, stage, method }) => `${model}.${stage}.${method}`;

/**
 * The layer that the address names, as far as it exists; a model without masks shows its evidence.
 * @param {import("./view.js").View} view @param {Layer} standard @param {any[]} rows @param {string[]} stages
 * @param {string[]} methods @returns {Layer}
 */
export function layerOf(view, standard, rows, stages, methods) {
  const [model, stage, method] = view.layer.split(".");
  const card = rows.find(({ id }) => id === model) ?? rows.find(({ id }) => id === standard.model);
  const wanted = methods.includes(method) ? method : standard.method;
  const has = (/** @type {string} */ name) => card.methods.includes(name);
  return {
    model: card.id,
    stage: stages.includes(stage) ? stage : standard.stage,
    method: has(wanted) ? wanted : (methods.find(has) ?? wanted),
  };
}

/** @param {Layer} layer @param {import("./view.js").View} view @param {string[]} methods what the model has */
export function showLayer(layer, view, methods) {
  for (const input of form.querySelectorAll('[name="method"]')) {
    const radio = /** @type {HTMLInputElement} */ (input);
    radio.disabled = !methods.includes(radio.value);
  }
  showFields(form, { ...layer, under: view.under, arrows: view.arrows });
}

/** @param {import("./view.js").ViewState} state */
export function bindLayer(state) {
  bindFields(form, state);
  form.addEventListener("input", () => {
    const [model, stage, method] = ["model", "stage", "method"].map((name) => fieldOf(form, name).value);
    state.set({ layer: layerId({ model, stage, method }) });
  });
}
