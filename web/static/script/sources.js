// Pictures that are to come later. The browser compares the place of each lazy one with each frame;
// those of thousands of photos wait without an address until their part of the grid comes near.

export function holdBack(image) {
  image.dataset.src = image.getAttribute("src");
  image.removeAttribute("src");
}

// Where a picture is, or will be, had from.
export function addressOf(image) {
  return image.src || image.dataset.src;
}

export function handOut(image) {
  if (!image.dataset.src) return;
  image.src = image.dataset.src;
  delete image.dataset.src;
}
