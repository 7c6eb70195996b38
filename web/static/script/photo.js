// The page of one photo. Its parts work without a script; here they work without leaving the page.

import { setUpDescription } from "./description.js";
import { setUpRegion } from "./region.js";
import { setUpSpeech } from "./speech.js";
import { setUpTags } from "./tags.js";

const article = document.querySelector("article.photo");

setUpDescription(article);
setUpSpeech(article);
setUpTags(article);

const framed = article.querySelector(".framed");
if (framed) setUpRegion(article.querySelector("figure"), framed, location.href);

// The stills of a video lead to its moments; the player is here already.
const video = article.querySelector("video");
article.querySelector(".stills")?.addEventListener("click", (event) => {
  const still = event.target.closest("[data-second]");
  if (!still || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  video.currentTime = Number(still.dataset.second);
  video.play().catch(() => {}); // not before somebody has touched the page, some browsers say
});

// Reloaded while it was shown over a grid, this page stands in the grid's place: going back changes
// the address alone, perhaps before this script runs.
function stay() {
  const parts = location.pathname.split("/");
  if (!parts.includes(article.dataset.photo)) location.reload();
}

addEventListener("popstate", stay);
stay();

// The photo itself is in the middle of those taken around the same time.
const near = article.querySelector(".near .strip");
const middle = near?.querySelector("[aria-current]");
if (middle) {
  const before = middle.offsetLeft - near.offsetLeft;
  near.scrollLeft = before - (near.clientWidth - middle.offsetWidth) / 2;
}
