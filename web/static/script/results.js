// The results on this page, replaced by those of another address without loading all of it anew.

import { gettext as _ } from "./texts.js";

const SLOW_MS = 300;
const POLITE_MS = 600;

const announcer = document.createElement("p");
announcer.className = "hidden";
announcer.setAttribute("role", "status");
const note = document.createElement("p");
note.className = "note";
note.hidden = true;
const progress = document.createElement("div");
progress.className = "progress";
progress.hidden = true;
document.body.append(announcer);
document.querySelector("body > header").append(progress);
document.getElementById("main").prepend(note);

let running = null;
let announcement;

export const results = () => document.getElementById("results");

function busy(is) {
  progress.hidden = !is;
  results()?.toggleAttribute("aria-busy", is);
  if (is) results()?.setAttribute("aria-busy", "true");
}

export function stop() {
  running?.abort();
}

// Says something to those who do not see it, once no more of it comes.
export function announce(text) {
  clearTimeout(announcement);
  announcement = setTimeout(() => (announcer.textContent = text), POLITE_MS);
}

// Shows a line under the box; without a text, none. What is dimmed does not answer the query.
export function tell(text, { dimmed = false } = {}) {
  note.textContent = text;
  note.hidden = !text;
  results()?.classList.toggle("dimmed", dimmed);
  if (text) announce(text);
}

// Returns the page at an address and how it was answered; null once something else was asked for.
export async function fetched(address) {
  running?.abort();
  const own = (running = new AbortController());
  const slow = setTimeout(() => busy(true), SLOW_MS);
  try {
    const answer = await fetch(address, { signal: own.signal, headers: { Accept: "text/html" } });
    const text = await answer.text();
    const page = new DOMParser().parseFromString(text, "text/html");
    return { page, status: answer.status, address: new URL(answer.url) };
  } catch (error) {
    if (own.signal.aborted) return null;
    return { page: null, status: 0, address: new URL(address, location.href), error };
  } finally {
    clearTimeout(slow);
    if (running === own) {
      running = null;
      busy(false);
    }
  }
}

// Takes over the results of a page. Its scripts are run if they have not been, as results of an
// error have none.
export function swap(page, box) {
  const found = document.adoptNode(page.getElementById("results"));
  results().replaceWith(found);
  document.title = page.title;
  for (const name of ["aria-invalid", "aria-describedby"]) {
    const value = page.getElementById("q")?.getAttribute(name);
    if (value) box.setAttribute(name, value);
    else box.removeAttribute(name);
  }
  tell("");
  for (const script of found.querySelectorAll("script[type=module]")) import(script.src);
  document.dispatchEvent(new CustomEvent("pixfind:results"));
  const said = page.getElementById("mistake") ?? document.getElementById("count");
  announce(said?.textContent.trim() || _("The results have changed."));
}
