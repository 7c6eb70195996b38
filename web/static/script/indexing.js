// A run as it goes on: told by the server where it can, asked for where it cannot. The panel's texts
// are those of web/library_page.py. When the run has ended, the page's numbers are brought up to date.

import { gettext as _, ngettext } from "./texts.js";

const ASK_EVERY_MS = 2000;
const MINUTE_S = 60, HOUR_S = 3600;
const MILESTONE = 25; // percent

const language = document.documentElement.lang;
const find = (id) => document.getElementById(id);
const counted = (number) => number.toLocaleString(language);

let source = null;
let timer = null;
let told = null; // the last milestone that was said
let stateTold = "";

const panel = () => find("run");

function lasting(seconds) {
  const [value, unit] =
    seconds < 100 ? [seconds <= 10 ? Math.max(1, Math.round(seconds)) : Math.ceil(seconds / 10) * 10, "second"]
    : seconds < 100 * MINUTE_S ? [Math.round(seconds / MINUTE_S), "minute"]
    : [Math.round(seconds / HOUR_S), "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(value);
}

function phaseOf(run) {
  if (run.state === "paused") return _("Paused");
  if (run.state === "cancelling") return _("Ending; what is done stays");
  return {
    looking: _("Looking for new and changed files"),
    working: _("Reading photos"),
    finishing: _("Writing the index"),
  }[run.phase];
}

function numbersOf(run) {
  if (!run.total) return [ngettext("%(num)s file so far", "%(num)s files so far", run.looked)];
  const said = [_("%(done)s of %(total)s files", { done: counted(run.done), total: counted(run.total) })];
  if (run.failed) said.push(ngettext("%(num)s failed", "%(num)s failed", run.failed));
  if (run.rate && run.state === "running" && run.phase === "working") {
    const rate = run.rate < 10 ? run.rate.toFixed(1) : counted(Math.round(run.rate));
    said.push(_("%(rate)s a second", { rate }));
    said.push(_("about %(time)s left", { time: lasting(run.seconds_left || 0) }));
  }
  return said;
}

function write(id, text) {
  const element = find(id);
  if (element && element.textContent !== text) element.textContent = text;
}

function show(run) {
  if (!panel()) return;
  panel().dataset.state = run.state;
  write("phase", phaseOf(run));
  write("numbers", numbersOf(run).join(" · "));
  find("bar").max = run.total || 1;
  find("bar").value = run.done;
  if (run.done) find("meanwhile").hidden = false;
  showButtons(run.state);
  say(run);
}

// One button holds a run up and lets it go on, so that it keeps the focus.
function showButtons(state) {
  const hold = find("hold");
  if (!hold) return;
  const isPaused = state === "paused";
  write("hold", isPaused ? _("Go on") : _("Pause"));
  hold.value = isPaused ? "resume" : "pause";
  hold.classList.toggle("plain", !isPaused);
  for (const button of [hold, find("cancel")]) {
    button.setAttribute("aria-disabled", String(state === "cancelling"));
  }
}

// To those who hear the page: what changes what they can do, and a quarter at a time.
function say(run) {
  if (run.state !== stateTold) {
    const isNews = stateTold || run.state !== "running";
    stateTold = run.state;
    if (isNews) write("told", run.state === "running" ? _("Going on") : phaseOf(run) ?? "");
  }
  if (!run.total || run.state !== "running") return;
  const milestone = Math.floor((100 * run.done) / run.total / MILESTONE) * MILESTONE;
  if (milestone === told) return;
  if (told === null && milestone === 0) write("told", _("Indexing has begun"));
  else if (milestone < 100) write("told", _("%(percent)s percent done", { percent: milestone }));
  told = milestone;
}

function isOver(run) {
  return ["done", "cancelled", "failed"].includes(run.state);
}

// Being told

function listen() {
  leave();
  if (!panel()) return;
  find("again").hidden = true;
  source = new EventSource(`${panel().dataset.run}/events`);
  source.addEventListener("progress", (event) => {
    const run = JSON.parse(event.data);
    if (!isOver(run)) show(run);
  });
  source.addEventListener("end", () => {
    leave();
    refresh();
  });
  // Enough others listen already, or the connection was lost.
  source.addEventListener("error", () => {
    leave();
    timer = setTimeout(ask, ASK_EVERY_MS);
  });
}

function leave() {
  source?.close();
  source = null;
  clearTimeout(timer);
}

// Asking

async function ask() {
  try {
    const answer = await fetch(panel().dataset.run);
    const run = answer.ok ? await answer.json() : null;
    if (!run || isOver(run)) return refresh(); // one that nobody knows: the server is a new one
    show(run);
  } catch {
    write("phase", _("The server does not answer; trying again"));
  }
  timer = setTimeout(ask, ASK_EVERY_MS);
}

async function refresh() {
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(answer.statusText);
    replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    timer = setTimeout(refresh, ASK_EVERY_MS);
  }
}

// The numbers change under whoever reads them, and the focus stays where it was.
function replace(page) {
  const library = find("library");
  const focused = library.contains(document.activeElement) ? document.activeElement : null;
  library.replaceWith(page.getElementById("library"));
  // Its room says whether photos are being indexed, too.
  const room = "nav.rooms [aria-current]";
  document.querySelector(room).replaceChildren(...page.querySelector(room).childNodes);
  if (focused) ((focused.id && find(focused.id)) || find("top")).focus({ preventScroll: true });
  told = null;
  stateTold = "";
  const outcome = find("outcome");
  if (outcome) write("told", outcome.innerText.trim());
  listen();
}

// Steering

async function steer(event) {
  const button = event.submitter;
  if (event.target.closest("#run") === null || !button) return;
  event.preventDefault();
  if (button.getAttribute("aria-disabled") === "true") return;
  try {
    const answer = await fetch(`${panel().dataset.run}/${button.value}`, { method: "POST" });
    if (!answer.ok) return refresh(); // it has ended
    const run = await answer.json();
    if (!isOver(run)) show(run);
  } catch {
    write("phase", _("The server does not answer; trying again"));
  }
}

document.addEventListener("submit", steer);
window.addEventListener("pagehide", leave);
window.addEventListener("pageshow", (event) => event.persisted && listen());
listen();
