// Menus and popovers: <details data-drop>. One is open at a time; Escape and a click elsewhere close it,
// but not one in the same form: on a phone, other fields of the form are shown with the popover.

const drops = /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details[data-drop]"));

/** @param {HTMLDetailsElement} [but] stays open */
export function closeDrops(but) {
  for (const drop of drops) if (drop !== but) drop.open = false;
}

export function bindDrops() {
  for (const drop of drops) drop.addEventListener("toggle", () => drop.open && closeDrops(drop));
  document.addEventListener("click", (event) => {
    const target = /** @type {Node} */ (event.target);
    if (target.isConnected) closeDrops([...drops].find((drop) => (drop.closest("form") ?? drop).contains(target) && drop.open));
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && [...drops].find((drop) => drop.open);
    if (!open) return;
    open.open = false;
    open.querySelector("summary")?.focus();
    event.stopImmediatePropagation(); // it closes nothing else
  });
}
