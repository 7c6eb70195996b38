// Where somebody was in a grid, kept while the browser's window is open. Browsers restore pages that
// they still hold; this is for those that they have to load again.

import { idOf } from "./tiles.js";

function key() {
  return `pixfind grid ${location.pathname}${location.search}`;
}

export function keep(count) {
  const seen = count ? firstSeen() : null;
  const place = seen && { count, id: idOf(seen), top: seen.getBoundingClientRect().top };
  try {
    if (place && scrollY > 0) sessionStorage.setItem(key(), JSON.stringify(place));
    else sessionStorage.removeItem(key());
  } catch {
    // No place to keep it: the page begins at its beginning.
  }
}

// What was kept, if this page is one that somebody comes back to.
export function kept() {
  const [navigation] = performance.getEntriesByType("navigation");
  if (!["back_forward", "reload"].includes(navigation?.type)) return null;
  let place;
  try {
    place = JSON.parse(sessionStorage.getItem(key()));
  } catch {
    return null;
  }
  if (!place) return null;
  history.scrollRestoration = "manual";
  return { count: place.count, scroll: () => scroll(place) };
}

// Does something that moves the tiles, and leaves in the window what was there, and the focus.
export function holding(move) {
  const seen = scrollY > 0 ? firstSeen() : null;
  const place = seen && { id: idOf(seen), top: seen.getBoundingClientRect().top };
  const focused = document.activeElement;
  move();
  if (focused !== document.activeElement) focused.focus({ preventScroll: true });
  if (place) scroll(place);
}

function scroll({ id, top }) {
  const tile = document.querySelector(`.grid > li[data-id="${CSS.escape(id)}"]`);
  if (tile) scrollBy({ top: tile.getBoundingClientRect().top - top, behavior: "instant" });
}

function firstSeen() {
  for (const grid of document.querySelectorAll(".grid")) {
    if (grid.getBoundingClientRect().bottom <= 0) continue;
    for (const tile of grid.children) {
      if (tile.getBoundingClientRect().bottom > 0) return tile;
    }
  }
  return null;
}
