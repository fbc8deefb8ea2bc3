// Which models a visitor has chosen for photos and for clips, remembered by the browser.

/** @typedef {{chosen: string[], hidden: string[]}} Choice  ids: rows that are wanted, in their order, and rows put away */

const key = (/** @type {string} */ kind) => `sightline-models-${kind}`;

/** @param {string} kind of medium: image or clip @returns {Choice} */
export function remembered(kind) {
  try {
    const { chosen = [], hidden = [] } = JSON.parse(localStorage.getItem(key(kind)) ?? "{}");
    return { chosen, hidden };
  } catch {
    return { chosen: [], hidden: [] };
  }
}

/** @param {string} kind @param {Choice | null} choice null: forget it */
export function remember(kind, choice) {
  try {
    if (choice) localStorage.setItem(key(kind), JSON.stringify(choice));
    else localStorage.removeItem(key(kind));
  } catch {
    // without storage the choice lasts as long as the page
  }
}
