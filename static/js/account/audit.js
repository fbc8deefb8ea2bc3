// The audit: the filter works at once, and times are the reader's own.
import "./times.js";

const filter = /** @type {HTMLSelectElement} */ (document.querySelector("[data-filter]"));
filter.addEventListener("change", () => filter.form?.requestSubmit());
