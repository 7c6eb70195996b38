// What was searched for last, kept in this browser alone. Where that keeps nothing, there is none.

const KEY = "pixfind.searches";
const MOST = 30;

export function searches() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

function keep(queries) {
  try {
    if (queries.length) localStorage.setItem(KEY, JSON.stringify(queries));
    else localStorage.removeItem(KEY);
  } catch {
    // Private windows and full disks: then nothing is remembered.
  }
}

export function remember(query) {
  const typed = query.trim();
  if (typed) keep([typed, ...searches().filter((one) => one !== typed)].slice(0, MOST));
}

export function forget(query) {
  keep(searches().filter((one) => one !== query));
}

export function forgetAll() {
  keep([]);
}
