// Menus and popovers: <details data-drop>. One is open at a time; Escape and a click elsewhere close it.

const drops = /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details[data-drop]"));

/** @param {HTMLDetailsElement} [but] stays open */
export function closeDrops(but) {
  for (const drop of drops) if (drop !== but) drop.open = false;
}

export function bindDrops() {
  for (const drop of drops) drop.addEventListener("toggle", () => drop.open && closeDrops(drop));
  document.addEventListener("click", ({ target }) => {
    if (/** @type {Node} */ (target).isConnected) closeDrops([...drops].find((drop) => drop.contains(/** @type {Node} */ (target))));
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && [...drops].find((drop) => drop.open);
    if (!open) return;
    open.open = false;
    open.querySelector("summary")?.focus();
    event.stopPropagation(); // it closes nothing else
  }, true);
}
