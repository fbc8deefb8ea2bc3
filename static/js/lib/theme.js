// Runs before the first paint, so that a chosen theme never flashes, and what needs scripts is there at once.
// Auto is the absence of a choice.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const order = ["auto", "light", "dark"];
  const words = { auto: "as the system", light: "light", dark: "dark" };

  /** @param {string} theme */
  const apply = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  const stored = () => {
    try {
      return localStorage.getItem("theme") ?? "auto";
    } catch {
      return "auto"; // storage may be forbidden; the page still works
    }
  };

  apply(stored());
  const bind = () => {
    const button = document.querySelector("[data-theme-button]");
    if (!button) return;
    const name = () => button.setAttribute("aria-label", `Theme: ${words[stored()]}. Change`);
    name();
    button.addEventListener("click", () => {
      const next = order[(order.indexOf(stored()) + 1) % order.length];
      try {
        localStorage.setItem("theme", next);
      } catch {
        // not remembered, still applied
      }
      apply(next);
      name();
      document.dispatchEvent(new CustomEvent("themechange"));
    });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", bind);
  else bind(); // this script came late
})();
