// Runs before the first paint: an answer that was folded when it was last seen is a strip at once.
// "before" tells it from one that folds while it is looked at.
(() => {
  let pages = [];
  try {
    pages = JSON.parse(localStorage.getItem("folded") ?? "[]");
  } catch {
    // storage may be forbidden; the page still works
  }
  const page = location.pathname.split("/").at(-1);
  const enlarged = new URLSearchParams(location.search).has("cell"); // a link to a map of the table
  if (enlarged || pages.includes("all") || pages.includes(page)) document.documentElement.dataset.folded = "before";
})();
