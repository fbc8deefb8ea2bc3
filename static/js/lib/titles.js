// What the explanation methods are called: the server's titles, which came with the page.
import { data } from "./dom.js";

/** @param {string} method @returns {string} its title within a sentence: "learnt mask", "Grad-CAM" */
export const methodTitle = (method) => data.method_titles?.[method] ?? method;
