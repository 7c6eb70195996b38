// A list without an end: what the link below the grid leads to is brought before somebody gets
// there. The link is the state; without a script, or if something goes wrong, it is still a link.
//
// `pixfind:more` on the document asks for more photos, `pixfind:added` tells that some have come.

import { element } from "./element.js";
import { divide } from "./parts.js";
import { keep, kept } from "./restore.js";
import { gettext as _, ngettext } from "./texts.js";
import { holdBack } from "./sources.js";
import { idOf, linkOf, tiles } from "./tiles.js";

const AHEAD = "1800px";
const MOST_AT_ONCE = 500;
const LINK = ".more a[rel~='next']";

const approach = new IntersectionObserver(
  (entries) => {
    if (entries.some((entry) => entry.isIntersecting)) more();
  },
  { rootMargin: `0px 0px ${AHEAD}` },
);

let adopt = () => {};
let status = null;
let loading = null; // the promise of what is on its way
let wrong = false; // the last attempt has failed; nobody but the reader tries again

export function start(adopting) {
  adopt = adopting;
  status = element("p", { class: "hidden", role: "status" });
  document.body.append(status);
  document.addEventListener("click", clicked);
  document.addEventListener("pixfind:more", () => more());
  addEventListener("pagehide", () => keep(tiles().length));
  restore();
  restart();
}

// The page has other results now.
export function restart() {
  wrong = false;
  loading = null;
  approach.disconnect();
  const link = document.querySelector(LINK);
  if (link) approach.observe(link.closest(".more"));
}

// Brings the next photos; tells whether there are any.
export function more(wanted = null) {
  const link = document.querySelector(LINK);
  if (!link || wrong) return Promise.resolve(false);
  loading ??= bring(link, wanted).finally(() => {
    loading = null;
  });
  return loading;
}

async function bring(link, wanted) {
  const grid = gridOf(link);
  link.setAttribute("aria-busy", "true");
  let page;
  try {
    page = await fetched(wanted ? enlarged(link.href, wanted) : link.href);
  } catch {
    if (link.isConnected) failed(link);
    return false;
  }
  if (!link.isConnected) return false; // there are other results by now
  link.removeAttribute("aria-busy");
  // What comes fills the last row up, whose photos then have other sizes and places.
  const focused = document.activeElement?.closest(".grid > li");
  const stays = focused && isInSight(focused);
  const count = append(grid, page);
  follow(link, page);
  if (stays) focused.scrollIntoView({ block: "nearest" });
  return count > 0;
}

// Places are fractions of pixels, what is scrolled by is not.
function isInSight(tile) {
  const { top, bottom } = tile.getBoundingClientRect();
  return top >= -1 && bottom <= innerHeight + 1;
}

async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function gridOf(link) {
  const grids = [...document.querySelectorAll(".grid")];
  const above = (grid) => grid.compareDocumentPosition(link) & Node.DOCUMENT_POSITION_FOLLOWING;
  return grids.findLast(above) ?? grids[0];
}

// Photos may come twice: the library changes, and some pages begin at the beginning.
function append(grid, page) {
  const there = new Set([...tiles()].map(idOf));
  const brought = document.createDocumentFragment();
  for (const tile of page.querySelectorAll(".grid > li")) {
    if (there.has(idOf(tile))) continue;
    there.add(idOf(tile));
    const image = linkOf(tile).querySelector("img");
    image.loading = "lazy";
    image.removeAttribute("fetchpriority");
    holdBack(image);
    brought.append(document.adoptNode(tile));
  }
  const count = brought.childElementCount;
  grid.append(brought);
  divide(grid);
  adopt();
  if (count) {
    const shown = there.size;
    status.textContent = ngettext("%(num)s photo is shown", "%(num)s photos are shown", shown);
    document.dispatchEvent(new CustomEvent("pixfind:added"));
  }
  return count;
}

function follow(link, page) {
  const next = page.querySelector(LINK);
  approach.disconnect();
  const place = link.closest(".more");
  if (!next || next.href === link.href) {
    link.remove();
    place.hidden = !place.querySelector("a");
    return;
  }
  link.href = next.href;
  approach.observe(place); // anew, or an end that is still near would not be told
}

function failed(link) {
  wrong = true;
  link.removeAttribute("aria-busy");
  link.hidden = true;
  const retry = element("button", { type: "button", class: "retry plain" }, _("Try again"));
  const said = element("p", { role: "alert" }, _("More photos could not be loaded."));
  link.before(said, retry);
}

function clicked(event) {
  const retry = event.target.closest(".more .retry");
  const link = event.target.closest(LINK);
  if (!retry && !link) return;
  if (link && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
  event.preventDefault();
  if (retry) {
    wrong = false;
    const place = retry.closest(".more");
    place.querySelector("a[rel~='next']").hidden = false;
    place.querySelector("[role='alert']").remove();
    retry.remove();
  }
  more();
}

// Back from a photo's page: as many photos as there were, and where somebody was among them.
async function restore() {
  const before = kept();
  if (!before) return;
  const missing = () => before.count - tiles().length;
  while (missing() > 0 && (await more(Math.min(missing(), MOST_AT_ONCE))));
  before.scroll();
}

function enlarged(address, wanted) {
  const larger = new URL(address);
  const there = larger.searchParams.has("cursor") ? 0 : tiles().length;
  larger.searchParams.set("limit", Math.min(there + wanted, 1000));
  return larger.href;
}
