// A form whose fields are named like keys of an AddressState: each follows the other.

/** @param {HTMLFormElement} form @param {string} name @returns {any} a field, or radio buttons; null if there is none */
export function fieldOf(form, name) {
  const field = form.elements.namedItem(name);
  return field instanceof RadioNodeList || /** @type {any} */ (field)?.name === name ? field : null; // not by its id
}

/** Write values into the fields that have their names. @param {HTMLFormElement} form @param {Record<string, any>} values */
export function showFields(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = fieldOf(form, name);
    if (field?.type === "checkbox") field.checked = value;
    else if (field) field.value = typeof value === "boolean" ? (value ? "1" : "0") : String(value);
    const output = /** @type {HTMLOutputElement | null} */ (form.querySelector(`output[for="${name}"]`));
    if (output) output.value = `${value} %`;
  }
}

/**
 * Set what the visitor changes, as the type that its default has.
 * @param {HTMLFormElement} form @param {import("./address.js").AddressState<any>} state
 */
export function bindFields(form, state) {
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    const { name, type, value, checked } = /** @type {HTMLInputElement} */ (event.target);
    const standard = state.defaults[name];
    if (standard === undefined) return;
    if (type === "checkbox") state.set({ [name]: checked });
    else if (typeof standard === "boolean") state.set({ [name]: value === "1" });
    else state.set({ [name]: typeof standard === "number" ? Number(value) : value });
  });
}
