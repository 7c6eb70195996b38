// Search by pictures that are dropped anywhere on the page, pasted, or picked.

import { gettext as _ } from "./texts.js";

const MOST = 5;
const MOST_BYTES = 64 * 1024 * 1024;

let form;
let box;
let page; // how to say something, and what to do with the query that comes of it
let own = false; // whether what is dragged comes from this page
let depth = 0;
let running;

const zone = document.createElement("div");
zone.className = "dropzone";
zone.hidden = true;

const brings = (event) => !own && event.dataTransfer?.types.includes("Files");
// Systems that do not know a type of pictures give none.
const isPicture = (file) => file.type === "" || file.type.startsWith("image/");

function hideZone() {
  depth = 0;
  zone.hidden = true;
}

async function like(file, signal) {
  const body = new FormData();
  body.append("picture", file, file.name || "picture");
  const answer = await fetch("/api/v1/pictures", { method: "POST", body, signal });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail || _("The picture could not be taken."));
  return `like:${told.like}`;
}

// Why these files cannot be searched by; nothing if they can.
function refusal(files) {
  if (!files.length) return _("Only pictures can be searched by.");
  if (files.length > MOST) return _("At most %(num)s pictures can be searched by.", { num: MOST });
  if (files.some((file) => file.size > MOST_BYTES)) {
    return _("The picture is larger than %(size)s MB; bring a smaller copy.", {
      size: MOST_BYTES / 1024 / 1024,
    });
  }
  return "";
}

async function bring(given) {
  const files = given.filter(isPicture);
  const refused = refusal(files);
  if (refused) return page.say(refused);
  running?.abort();
  const { signal } = (running = new AbortController());
  const likes = [];
  try {
    for (const file of files) {
      page.say(
        files.length > 1
          ? _("Looking at picture %(num)s of %(all)s …", { num: likes.length + 1, all: files.length })
          : _("Looking at the picture …"),
      );
      likes.push(await like(file, signal));
    }
  } catch (error) {
    const offline = error instanceof TypeError;
    if (!signal.aborted) page.say(offline ? _("The server does not answer.") : error.message);
    return;
  }
  page.say("");
  const words = box.value.trim();
  const known = new Set(words.split(/\s+/));
  const fresh = [...new Set(likes)].filter((one) => !known.has(one));
  page.done([words, ...fresh].filter(Boolean).join(" "));
}

function watchDrops() {
  addEventListener("dragstart", () => (own = true));
  addEventListener("dragend", () => (own = false));
  addEventListener("dragenter", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    depth += 1;
    zone.hidden = false;
  });
  addEventListener("dragover", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("dragleave", (event) => {
    if (!brings(event)) return;
    depth -= 1;
    if (depth <= 0) hideZone();
  });
  addEventListener("drop", (event) => {
    if (!brings(event)) return;
    event.preventDefault();
    hideZone();
    bring([...event.dataTransfer.files]);
  });
}

function watchClipboard() {
  document.addEventListener("paste", (event) => {
    const pictures = [...(event.clipboardData?.files ?? [])].filter(isPicture);
    // Office programs put a picture of a text beside it.
    if (!pictures.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    bring(pictures);
  });
}

function watchButton() {
  const picker = document.createElement("input");
  picker.type = "file";
  picker.accept = "image/*";
  picker.multiple = true;
  picker.hidden = true;
  form.append(picker);
  picker.addEventListener("change", () => {
    const files = [...picker.files];
    picker.value = ""; // the same file may be picked again
    if (files.length) bring(files);
  });
  form.querySelector(".pick").addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    picker.click();
  });
}

export function searchByPicture(searchForm, searchBox, { say, done }) {
  form = searchForm;
  box = searchBox;
  page = { say, done };
  zone.append(Object.assign(document.createElement("p"), {
    textContent: _("Drop pictures here to search by them"),
  }));
  document.body.append(zone);
  watchDrops();
  watchClipboard();
  watchButton();
}
