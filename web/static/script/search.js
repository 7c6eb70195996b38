// Results while somebody types, and from one query to the next without loading the page anew. All
// of it works without this script as well: what is fetched are the ordinary pages.

import { completions } from "./completion.js";
import { remember } from "./history.js";
import { searchByPicture } from "./pictures.js";
import { announce, fetched, results, stop, swap, tell } from "./results.js";
import "./rooms.js";
import { gettext as _ } from "./texts.js";

const DELAY_MS = 200;
// Mistakes are told only if nothing more comes.
const PAUSE_MS = 1000;
const SCROLLED_MS = 200;

const form = document.querySelector("form[role=search]");
const box = form.elements.q;
const home = new URL(form.action).pathname;
let shown = location.pathname + location.search;
let timer;

function addressOf(query) {
  const typed = query.trim();
  return typed ? `${home}?${new URLSearchParams({ q: typed })}` : home;
}

// What cannot be complete, such as "camera:", is not asked for.
function unfinished(query) {
  return /(^|\s)-?[a-z]+:\(?$/i.test(query) || (query.match(/"/g) ?? []).length % 2 === 1;
}

const pathOf = (address) => address.pathname + address.search;
const isHere = () => results() !== null && location.pathname === home;

// While somebody types, one entry of the history changes with it, until the query is sent; "back"
// leads to what was there before.
function keep(address, { typing = false, link = false } = {}) {
  const same = address === location.pathname + location.search;
  const goesOn = history.state?.typing && !link;
  if (same || goesOn) history.replaceState({ typing }, "", address);
  else history.pushState({ typing }, "", address);
  shown = address;
}

// Asks for what is typed. What is shown stays if it is a mistake: nobody has finished yet.
async function ask() {
  const address = addressOf(box.value);
  if (address === shown) {
    stop();
    tell("");
    return;
  }
  const began = performance.now();
  const found = await fetched(address);
  if (found === null) return;
  if (found.status === 200) {
    keep(address, { typing: true });
    const onPhoto = document.activeElement.closest(".grid") !== null;
    swap(found.page, box);
    scrollTo(0, 0);
    if (onPhoto) document.querySelector(".grid > li > a")?.focus({ preventScroll: true });
    return;
  }
  const text = found.page?.getElementById("mistake")?.textContent;
  const rest = Math.max(0, PAUSE_MS - (performance.now() - began));
  timer = setTimeout(() => tell(text || _("The server does not answer."), { dimmed: true }), rest);
}

// Goes to results; those of a mistake, too. What cannot be shown here is left to the browser.
async function go(address, { link = false } = {}) {
  clearTimeout(timer);
  const found = await fetched(address);
  if (found === null) return;
  if (!found.page?.getElementById("results") || found.status >= 500) {
    location.assign(address);
    return;
  }
  keep(pathOf(found.address), { link });
  box.value = found.address.searchParams.get("q") ?? "";
  swap(found.page, box);
  scrollTo(0, 0);
  if (link) focusHeading();
}

function focusHeading() {
  const heading = document.getElementById("count");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

function typed(event) {
  if (event.isComposing) return; // half a character of Chinese is no query
  if (event.target !== box || !isHere()) return;
  clearTimeout(timer);
  stop();
  tell("");
  if (!unfinished(box.value)) timer = setTimeout(ask, DELAY_MS);
}

function isPlain(event) {
  const special = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  return !event.defaultPrevented && event.button === 0 && !special;
}

box.addEventListener("input", typed);
box.addEventListener("compositionend", (event) => typed({ target: event.target }));

form.addEventListener("submit", (event) => {
  remember(box.value);
  if (!isHere()) return;
  event.preventDefault();
  if (matchMedia("(hover: none)").matches) box.blur(); // the keyboard hides what was found
  go(addressOf(box.value));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#results a[href]");
  if (!link || !isPlain(event)) return;
  if (history.state?.typing) remember(box.value);
  const to = new URL(link.href);
  if (!isHere() || to.origin !== location.origin || to.pathname !== home) return;
  event.preventDefault();
  go(pathOf(to), { link: true });
});

// More like a photo, or less.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || !event.target.matches("#results form.photos") || !isHere()) return;
  event.preventDefault();
  const asked = new URLSearchParams(new FormData(event.target, event.submitter));
  go(`${new URL(event.target.action).pathname}?${asked}`, { link: true });
});

addEventListener("popstate", async (event) => {
  const address = location.pathname + location.search;
  if (address === shown) return; // only the place on the page is another
  clearTimeout(timer);
  shown = address;
  history.replaceState({ ...event.state, typing: false }, "");
  box.value = new URLSearchParams(location.search).get("q") ?? "";
  const found = await fetched(address);
  if (found === null) return;
  if (!found.page?.getElementById("results") || results() === null) {
    location.reload();
    return;
  }
  swap(found.page, box);
  scrollTo(0, event.state?.scrolled ?? 0);
});

let scrolled;
addEventListener("scroll", () => {
  clearTimeout(scrolled);
  scrolled = setTimeout(() => {
    if (isHere()) history.replaceState({ ...history.state, scrolled: scrollY }, "");
  }, SCROLLED_MS);
});

// Menus close like menus: when something else is pressed, and by Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".narrow details[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.(".narrow details[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

completions(form, box);
searchByPicture(form, box, {
  say: tell,
  done(query) {
    announce(_("Searching by picture"));
    box.value = query;
    if (isHere()) go(addressOf(query));
    else form.requestSubmit();
  },
});
