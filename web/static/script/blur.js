// What a photo looks like from far away, behind it until it is there: 4 by 4 colours, which come
// with the page and which the browser draws out smoothly.

const EDGE = 4;

export function blur(image) {
  const kept = image.dataset.blur;
  if (!kept || image.complete) return;
  const canvas = painted(atob(kept));
  if (!canvas) return;
  image.before(canvas);
  image.classList.add("waiting");
  const done = () => {
    image.classList.remove("waiting");
    // Until the photo has come to be seen, what lies behind it is seen through it.
    setTimeout(() => canvas.remove(), 300);
  };
  image.addEventListener("load", done, { once: true });
  image.addEventListener("error", done, { once: true });
}

function painted(bytes) {
  if (bytes.length !== 3 * EDGE * EDGE) return null;
  const canvas = document.createElement("canvas");
  canvas.className = "blur";
  canvas.width = canvas.height = EDGE;
  const pixels = new ImageData(EDGE, EDGE);
  for (let at = 0; at < EDGE * EDGE; at++) {
    for (let colour = 0; colour < 3; colour++) {
      pixels.data[4 * at + colour] = bytes.charCodeAt(3 * at + colour);
    }
    pixels.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
