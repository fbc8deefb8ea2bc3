// What was dropped, chosen or pasted, as a list of files: folders and ZIPs are opened.
import { isZip, zipItems } from "./zip.js";

/** @typedef {import("./zip.js").Item} Item */
/** @typedef {{items: Item[], hidden: number}} Found `hidden`: files that systems put into folders by themselves */

const SYSTEM = new Set(["__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"]);

/** @param {string} path @returns {boolean} */
const isSystems = (path) => path.split("/").some((part) => part.startsWith(".") || SYSTEM.has(part.toLowerCase()));

/**
 * Must be called while the event is handled: afterwards the browser has forgotten what it was of.
 * @param {DataTransfer | null} data @returns {Promise<File[]>} files in folders know their path
 */
export function filesIn(data) {
  const entries = [...(data?.items ?? [])].filter(({ kind }) => kind === "file")
    .map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const files = [...(data?.files ?? [])];
  if (!entries.some((entry) => entry && "isDirectory" in entry && entry.isDirectory)) return Promise.resolve(files);
  return Promise.all(entries.map((entry) => within(/** @type {any} */ (entry)))).then((lists) => lists.flat());
}

/** @param {any} entry a file, or an entry of the file system @returns {Promise<File[]>} */
async function within(entry) {
  if (!entry || entry instanceof File) return entry ? [entry] : [];
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [withPath(file, entry.fullPath.slice(1))];
  }
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // some hundred at a time
    if (some.length === 0) return files;
    for (const one of some) files.push(...(await within(one)));
  }
}

/** @param {File} file @param {string} path @returns {File} */
const withPath = (file, path) => Object.defineProperty(file, "path", { value: path });

/** @param {File} file @returns {string} */
const pathOf = (file) => /** @type {any} */ (file).path || file.webkitRelativePath || file.name;

/**
 * @param {File[]} files @param {number} most bytes of one file in a ZIP
 * @returns {Promise<Found>} a ZIP that cannot be read is an item that says so
 */
export async function unfolded(files, most) {
  const items = [];
  for (const file of files) {
    const name = pathOf(file);
    if (!(await isZip(file))) items.push({ name, open: async () => file });
    else items.push(...(await zipItems(file, most).catch((error) => [{ name, open: () => Promise.reject(error) }])));
  }
  const kept = items.filter(({ name }) => !isSystems(name));
  return { items: kept, hidden: items.length - kept.length };
}
