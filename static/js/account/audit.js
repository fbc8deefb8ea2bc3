// The audit: the filter works at once, and times are the reader's own.

const filter = /** @type {HTMLSelectElement} */ (document.querySelector("[data-filter]"));
filter.addEventListener("change", () => filter.form?.requestSubmit());

const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
for (const element of document.querySelectorAll("time[data-exact]")) {
  const time = /** @type {HTMLTimeElement} */ (element);
  time.textContent = words.format(new Date(time.dateTime));
}
