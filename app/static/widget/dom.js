/** An element: make("a", { href, class: "link", onclick }, "text", child). Unknown attributes are set as they are named. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "html") element.innerHTML = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  close: '<path d="M6 6l12 12M18 6L6 18"/>',
  more: '<path stroke-width="3" d="M12 5.5v.01M12 12v.01M12 18.5v.01"/>',
  clip: '<path d="M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8L10 17a1.7 1.7 0 0 1-2.4-2.4l7.4-7.4"/>',
  send: '<path d="M4 12h15M13 6l6 6-6 6"/>',
  file: '<path d="M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5"/>',
  down: '<path d="M12 5v14M6 13l6 6 6-6"/>',
  tick: '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
  ticks: '<path d="M2 12.5l4.5 4.5L16 7.5M10 15l2 2 9.5-9.5"/>',
  clock: '<circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/>',
  alert: '<path d="M12 4L2.8 20h18.4zM12 10v4.5M12 17.3v.01"/>',
  pin: '<path d="M12 21s7-6 7-11a7 7 0 0 0-14 0c0 5 7 11 7 11z"/><circle cx="12" cy="10" r="2.4"/>',
  wheel: '<circle cx="12" cy="12" r="5.5"/><path d="M12 2v20M2 12h20M5 5l14 14M19 5L5 19"/>',
};

export function icon(name) {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" })) drawn.setAttribute(key, value);
  drawn.innerHTML = PATHS[name];
  return drawn;
}

/** Text with its addresses as links, as nodes. */
export function linked(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(/\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'»]/g)) {
    nodes.push(text.slice(from, match.index), make("a", { href: match[0], target: "_blank", rel: "noopener noreferrer nofollow" }, match[0]));
    from = match.index + match[0].length;
  }
  return [...nodes, text.slice(from)].filter(Boolean);
}

/** Our own text as the server made it safe: links open apart, bare addresses become links. */
export function rich(html) {
  const box = make("div", { class: "text", html });
  for (const link of box.querySelectorAll("a")) link.target = "_blank";
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement.closest("a, code")) texts.push(walker.currentNode);
  for (const text of texts) if (text.data.includes("://")) text.replaceWith(...linked(text.data));
  return box;
}

/** The colour of somebody's face: always the same, in degrees. */
export function hue(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return sum;
}

export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "?";
}

export function face(name, more = "") {
  return make("span", { class: `face ${more}`, style: `--hue: ${hue(name)}`, "aria-hidden": "true" }, initials(name));
}
