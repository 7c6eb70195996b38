// Small drawings for buttons; no font is sure to have such signs. 24 by 24, lines of 2.

const LINES = {
  before: "M15 5l-7 7 7 7",
  after: "M9 5l7 7-7 7",
  larger: "M12 5v14M5 12h14",
  smaller: "M5 12h14",
  part: "M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M9 9h6v6H9z",
  match: "M4 5h16v14H4zM8 9h6v5H8z",
  info: "M12 11v6M12 7v.5M12 3a9 9 0 100 18 9 9 0 000-18z",
  page: "M10 5H5v14h14v-5M14 4h6v6M20 4l-9 9",
  close: "M6 6l12 12M18 6L6 18",
};

// An element's namespace is a name, and nothing is asked for there; one that is known has it.
const { namespaceURI } = new DOMParser().parseFromString("<svg></svg>", "text/html").body.firstChild;

export function icon(name) {
  const drawing = document.createElementNS(namespaceURI, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(namespaceURI, "path");
  path.setAttribute("d", LINES[name]);
  drawing.append(path);
  return drawing;
}
