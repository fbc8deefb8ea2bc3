// Dropping a file anywhere on the page, with a veil while one hovers over it.

/**
 * @param {HTMLElement} veil
 * @param {() => boolean} busy no veil while something is under way
 * @param {(data: DataTransfer | null) => void} take
 */
export function bindDropZone(veil, busy, take) {
  let depth = 0; // dragenter and dragleave fire for every element passed
  document.addEventListener("dragenter", () => {
    depth += 1;
    veil.hidden = busy();
  });
  document.addEventListener("dragleave", () => {
    depth -= 1;
    if (depth <= 0) veil.hidden = true;
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    veil.hidden = true;
    take(event.dataTransfer);
  });
}
