// A box drawn on a photo, with a mouse, a finger or the keyboard, to search for what is inside.

import { element } from "./element.js";
import { gettext as _ } from "./texts.js";

const STEP = 0.01; // of the photo's side, for each press of an arrow key
const LEAST = 0.03; // less of a side is a slip of the hand, or too little to see
const DIGITS = 3;
const AT_FIRST = { left: 0.25, top: 0.25, width: 0.5, height: 0.5 };
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (low, value, high) => Math.min(Math.max(value, low), high);
const short = (share) => String(Number(share.toFixed(DIGITS)));
const percent = (share) => `${Math.round(100 * share)}%`;

// Return the address of what is like a box of a photo, and what answers a query as well.
export function addressOf(photo, box, query = "") {
  const sides = [box.left, box.top, box.width, box.height].map(short).join(",");
  const search = document.querySelector("form[role=search]");
  const address = new URL(search ? search.action : "/", location.href);
  address.search = new URLSearchParams({ q: `${query} like:${photo}@${sides}`.trim() });
  return address.href;
}

// Draw on `picture`, which the photo fills; put what is pressed into `bar`. `page` is the photo's
// address, `ended` is called when somebody has had enough.
export function drawRegion(picture, bar, page, ended) {
  const { pathname, searchParams } = new URL(page, location.href);
  const photo = pathname.match(/(\d+)$/)[1];
  const query = searchParams.get("q")?.trim() ?? "";
  let box = { ...AT_FIRST };

  const help = element("p", { class: "hidden", id: "region-help" });
  help.textContent = _(
    "Arrow keys move the box, with Shift they change its size. Enter searches, Escape ends.",
  );
  const layer = element("div", {
    class: "region",
    role: "application",
    tabindex: "0",
    "aria-label": _("Part of the photo"),
    "aria-describedby": "region-help",
  });
  const shown = element("div", { class: "region-box" });
  const told = element("p", { class: "hidden", role: "status" });
  layer.append(shown);

  function show(speak) {
    for (const side of ["left", "top", "width", "height"]) shown.style[side] = `${100 * box[side]}%`;
    if (!speak) return;
    told.textContent = _("%(left)s from the left, %(top)s from the top, %(width)s wide, %(height)s high", {
      left: percent(box.left),
      top: percent(box.top),
      width: percent(box.width),
      height: percent(box.height),
    });
  }

  function end() {
    layer.remove();
    tools.remove();
    help.remove();
    ended();
  }

  const go = (words) => location.assign(addressOf(photo, box, words));

  function key(event) {
    const way = KEYS[event.key];
    if (way && event.shiftKey) {
      box.width = within(LEAST, box.width + way[0] * STEP, 1 - box.left);
      box.height = within(LEAST, box.height + way[1] * STEP, 1 - box.top);
    } else if (way) {
      box.left = within(0, box.left + way[0] * STEP, 1 - box.width);
      box.top = within(0, box.top + way[1] * STEP, 1 - box.height);
    } else if (event.key === "Enter") {
      go("");
    } else if (event.key !== "Escape") {
      return;
    }
    // What lies below would go to the next photo, or close.
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") end();
    else show(true);
  }

  let from = null;
  const point = (event) => {
    const { left, top, width, height } = layer.getBoundingClientRect();
    return {
      x: within(0, (event.clientX - left) / width, 1),
      y: within(0, (event.clientY - top) / height, 1),
    };
  };
  layer.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = point(event);
    layer.setPointerCapture(event.pointerId);
  });
  layer.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = point(event);
    const drawn = {
      left: Math.min(from.x, to.x),
      top: Math.min(from.y, to.y),
      width: Math.abs(to.x - from.x),
      height: Math.abs(to.y - from.y),
    };
    if (Math.min(drawn.width, drawn.height) < LEAST) return;
    box = drawn;
    show(false);
  });
  layer.addEventListener("pointerup", () => {
    if (from) show(true);
    from = null;
  });
  layer.addEventListener("pointercancel", () => {
    from = null;
  });
  layer.addEventListener("keydown", key);

  const named = { role: "group", "aria-label": _("Part of the photo") };
  const tools = element("div", { class: "region-tools", ...named });
  const button = (text, plain, pressed) => {
    const made = element("button", { type: "button", ...(plain ? { class: "plain" } : {}) }, text);
    made.addEventListener("click", pressed);
    tools.append(made);
  };
  tools.append(element("span", { class: "region-hint" }, _("Draw a box around what you look for.")));
  button(_("Search this part"), false, () => go(""));
  if (query) button(_("Together with “%(query)s”", { query }), true, () => go(query));
  button(_("Cancel"), true, end);
  tools.append(told);
  tools.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    end();
  });

  picture.append(layer);
  bar.append(help, tools);
  show(false);
  layer.focus({ preventScroll: true });
  return end;
}

// A button under the figure's picture that starts drawing on it.
export function setUpRegion(figure, picture, page) {
  const start = element("button", { type: "button", class: "plain" }, _("Search a part"));
  const bar = element("div", { class: "picture-tools" });
  bar.append(start);
  picture.after(bar);
  start.addEventListener("click", () => {
    start.hidden = true;
    drawRegion(picture, bar, page, () => {
      start.hidden = false;
      start.focus();
    });
  });
}
