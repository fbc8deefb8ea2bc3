// Loads plotly.js from the Python package that carries it.

/**
 * Its script holds the style sheet of a map library and writes it into the page, which the content
 * security policy forbids, unless an element with the sheet's id (64 hex digits) is there already.
 * There are no such maps here: while the script starts, any such id is found.
 * @param {string} address @returns {Promise<any>} the Plotly object
 */
export async function loadPlotly(address) {
  const find = Document.prototype.getElementById;
  document.getElementById = (id) =>
    find.call(document, id) ?? (/^[0-9a-f]{64}$/.test(id) ? document.head : null);
  try {
    await new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = () => reject(new Error("The chart library did not load."));
      document.head.append(script);
    });
  } finally {
    Reflect.deleteProperty(document, "getElementById"); // the prototype's own again
  }
  return /** @type {any} */ (window).Plotly;
}
