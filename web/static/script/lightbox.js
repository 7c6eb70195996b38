// A plain click on a photo of the grid opens it large, over the grid. What does that is only loaded
// when somebody is about to ask for it.

const PHOTO = /\/photos\/\d+$/;

let loading = null; // the viewer, sooner or later
let viewer = null;

function load() {
  loading ??= import("./viewer.js").then(({ openViewer }) => openViewer());
  return loading;
}

function photoLink(target) {
  const link = target.closest?.("main .grid a[href]");
  // On a photo's own page, what is similar has a page of its own, too.
  if (!link || document.querySelector("main article.photo")) return null;
  return PHOTO.test(link.pathname) && link.querySelector("img") ? link : null;
}

async function open(link) {
  viewer = await load();
  // Whoever has gone back meanwhile wants the grid.
  if (history.state?.lightbox) viewer.show(link);
}

document.addEventListener("click", (event) => {
  const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  if (event.defaultPrevented || event.button || !plain) return;
  const link = photoLink(event.target);
  if (!link) return;
  event.preventDefault();
  history.pushState({ lightbox: true }, "", link.href);
  open(link);
});

for (const kind of ["pointerdown", "keydown"]) {
  document.addEventListener(kind, (event) => photoLink(event.target) && load(), { passive: true });
}

// Going back closes it; going forward again leads to the photo's own page.
addEventListener("popstate", (event) => {
  if (viewer?.link) viewer.shut();
  else if (event.state?.lightbox) location.reload();
});
