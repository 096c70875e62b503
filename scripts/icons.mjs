// Makes app/static/icons/sprite.svg from the names in icons.txt (Tabler's) and the drawings in own/: `npm ci && npm run icons`.
// The sprite is committed, so that running Kulpunai does not need Tabler's 80 MB.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const ICONS = join(ROOT, "app/static/icons");
const TABLER = join(ROOT, "node_modules/@tabler/icons/icons/outline");

/** The drawing inside an <svg>, on one line; stroke and fill come from `.icon` in base.css. */
function drawing(path) {
  const svg = readFileSync(path, "utf8");
  const inside = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  return inside
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "")
    .replace(/\s+/g, " ")
    .replace(/ ?\/?> ?/g, (end) => (end.includes("/") ? "/>" : ">"))
    .trim();
}

const symbol = (id, path) => `<symbol id="${id}" viewBox="0 0 24 24">${drawing(path)}</symbol>`;
const names = readFileSync(join(ICONS, "icons.txt"), "utf8").split(/\s+/).filter(Boolean).sort();
const own = readdirSync(join(ICONS, "own")).map((file) => file.replace(".svg", "")).sort();

const sprite = [
  '<svg xmlns="http://www.w3.org/2000/svg">',
  "<!-- Made by scripts/icons.mjs. Icons by Tabler Icons, MIT licence, © 2020 Paweł Kuna; those in own/ are ours. -->",
  ...own.map((name) => symbol(name, join(ICONS, "own", `${name}.svg`))),
  ...names.map((name) => symbol(name, join(TABLER, `${name}.svg`))),
  "</svg>",
];
writeFileSync(join(ICONS, "sprite.svg"), sprite.join("\n") + "\n");
console.log(`sprite.svg: ${own.length} own and ${names.length} Tabler icons`);
