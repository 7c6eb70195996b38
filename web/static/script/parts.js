// A grid of thousands of photos stands in parts of some rows each. The browser leaves out those that
// are far away, all in one; with every photo in one list, each frame would cost it a look at each.

import { holding } from "./restore.js";

const LEAST = 60; // photos in a part; it ends where a row ends
const SETTLED_MS = 150;

let width = innerWidth;
let timer;

// Takes from a grid the rows that are too many for one part; they follow it in parts of their own.
export function divide(grid) {
  const tiles = [...grid.children];
  if (tiles.length <= LEAST) return;
  const places = tiles.map((tile) => [tile.offsetTop, tile.offsetTop + tile.offsetHeight]);
  const starts = [0];
  for (let at = 1; at < tiles.length; at++) {
    const begins = places[at][0] > places[at - 1][0] + 1;
    if (begins && at - starts.at(-1) >= LEAST) starts.push(at);
  }
  let part = grid;
  for (const [number, start] of starts.entries()) {
    const end = starts[number + 1] ?? tiles.length;
    if (number) {
      const next = grid.cloneNode(false);
      open(next);
      next.append(...tiles.slice(start, end));
      part.after(next);
      part = next;
    }
    if (end === tiles.length) break; // the last part goes on growing
    part.classList.add("full");
    const height = places[end - 1][1] - places[start][0];
    part.style.containIntrinsicHeight = `auto ${height}px`;
  }
}

function open(part) {
  part.classList.remove("full");
  part.style.containIntrinsicHeight = "";
}

// In a window of another width, rows end elsewhere.
export function start(changed) {
  addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (innerWidth === width) return;
      width = innerWidth;
      const firsts = [...document.querySelectorAll(".grid.full")].filter(
        (grid) => !grid.previousElementSibling?.matches(".grid.full"),
      );
      if (!firsts.length) return;
      holding(() => firsts.map(join).forEach(divide));
      changed();
    }, SETTLED_MS);
  });
}

// Makes one grid of a part and of those that follow it.
function join(grid) {
  const parts = [grid];
  while (parts.at(-1).matches(".full")) parts.push(parts.at(-1).nextElementSibling);
  open(grid);
  for (const part of parts.slice(1)) {
    grid.append(...part.children);
    part.remove();
  }
  return grid;
}
