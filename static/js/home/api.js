// The API explorer: Swagger UI over this server's OpenAPI document, in the theme of the page.
/* global SwaggerUIBundle */

const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

function followTheme() {
  const theme = root.dataset.theme ?? (system.matches ? "dark" : "light");
  root.classList.toggle("dark-mode", theme === "dark");
}

followTheme();
system.addEventListener("change", followTheme);
document.addEventListener("themechange", followTheme);

const node = document.querySelector("[data-openapi]");
const names = {
  "textarea.body-param__text": "Request body",
  "input[type=file]": "File",
  ".copy-to-clipboard button": "Copy",
  "button.close-modal": "Close",
};

// Swagger UI leaves some controls without a name, and its wide answers out of the keyboard's reach.
new MutationObserver(() => {
  for (const [selector, name] of Object.entries(names)) {
    for (const element of node.querySelectorAll(`:is(${selector}):not([aria-label])`)) {
      element.setAttribute("aria-label", name);
    }
  }
  for (const answer of node.querySelectorAll("pre.microlight:not([tabindex])")) answer.tabIndex = 0;
}).observe(node, { childList: true, subtree: true });

SwaggerUIBundle({
  domNode: node,
  url: node.dataset.openapi,
  defaultModelsExpandDepth: -1, // each operation shows its own schemas
  displayRequestDuration: true,
  docExpansion: "list",
  syntaxHighlight: { theme: "obsidian" },
  tryItOutEnabled: true,
  validatorUrl: null, // it is on another origin
});
