// The meanings of words: a click shows them without this script; here hover and focus do, and the
// meaning stands beside its word.

const GAP = 6; // px

/** @param {HTMLElement} word @param {HTMLElement} meaning */
function place(word, meaning) {
  const { left, top, bottom } = word.getBoundingClientRect();
  const width = Math.min(320, innerWidth - 16);
  const above = bottom > innerHeight - 160 && top > 160;
  meaning.style.width = `${width}px`;
  meaning.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  meaning.style.top = above ? "auto" : `${bottom + GAP}px`;
  meaning.style.bottom = above ? `${innerHeight - top + GAP}px` : "auto";
}

for (const word of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll(".term"))) {
  const meaning = /** @type {HTMLElement} */ (word.popoverTargetElement);
  const isOpen = () => meaning.matches(":popover-open");
  const show = () => !isOpen() && meaning.showPopover();
  const hide = () => isOpen() && meaning.hidePopover();
  meaning.addEventListener("beforetoggle", (event) => /** @type {ToggleEvent} */ (event).newState === "open" && place(word, meaning));
  word.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show());
  word.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && document.activeElement !== word && hide());
  word.addEventListener("focus", () => word.matches(":focus-visible") && show());
  word.addEventListener("blur", hide);
  word.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  word.addEventListener("click", (event) => isOpen() && event.preventDefault()); // shown by hover: it stays
  addEventListener("scroll", hide, { passive: true, capture: true });
}
