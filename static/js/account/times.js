// Exact times are the reader's own.
const words = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
for (const element of document.querySelectorAll("time[data-exact]")) {
  const time = /** @type {HTMLTimeElement} */ (element);
  time.textContent = words.format(new Date(time.dateTime));
}
