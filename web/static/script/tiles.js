// The tiles of the grids on a page, and the ways from one to the next. The page is the only truth:
// other scripts may put tiles in or take them away at any time.

const TILE = ".grid > li";

export function tiles() {
  return document.querySelectorAll(TILE);
}

export function tileOf(node) {
  return node instanceof Element ? node.closest(TILE) : null;
}

export function linkOf(tile) {
  return tile.querySelector(":scope > a");
}

export function idOf(tile) {
  return tile.dataset.id;
}

export function nameOf(tile) {
  return tile.querySelector("img")?.alt ?? "";
}

export function first() {
  return document.querySelector(TILE);
}

export function last() {
  const all = tiles();
  return all[all.length - 1] ?? null;
}

// A page may have several grids: the tiles of one follow those of another.
export function beside(tile, step) {
  const sibling = step > 0 ? tile.nextElementSibling : tile.previousElementSibling;
  if (sibling) return sibling;
  const grids = [...document.querySelectorAll(".grid")].filter((grid) => grid.childElementCount);
  const grid = grids[grids.indexOf(tile.parentElement) + step];
  return (step > 0 ? grid?.firstElementChild : grid?.lastElementChild) ?? null;
}

export function middle(tile) {
  return tile.offsetLeft + tile.offsetWidth / 2;
}

// The tile of the next row, or of the one before, that is nearest to a place across the page.
export function across(tile, step, place) {
  let other = beside(tile, step);
  while (other && sameRow(other, tile)) other = beside(other, step);
  if (!other) return null;
  const row = other;
  let nearest = other;
  for (; other && sameRow(other, row); other = beside(other, step)) {
    if (distance(other, place) <= distance(nearest, place)) nearest = other;
  }
  return nearest;
}

// All from one tile to another, in the order of the page.
export function between(one, other) {
  const backwards = one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_PRECEDING;
  const [from, to] = backwards ? [other, one] : [one, other];
  const found = [from];
  for (let tile = from; tile && tile !== to; ) {
    tile = beside(tile, 1);
    if (tile) found.push(tile);
  }
  return found;
}

function sameRow(one, other) {
  return one.parentElement === other.parentElement && Math.abs(one.offsetTop - other.offsetTop) < 2;
}

function distance(tile, place) {
  return Math.max(tile.offsetLeft - place, place - tile.offsetLeft - tile.offsetWidth, 0);
}
