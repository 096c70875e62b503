// Fills app/static/vendor with what npm installed: `npm ci --ignore-scripts --omit=dev && node scripts/vendor.mjs`.
// Files are copied as they are and only these; nothing is bundled. The folder is ignored by git and made anew each time.
import { cpSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const FROM = join(ROOT, "node_modules");
const TO = join(ROOT, "app/static/vendor");

const FONT = "@fontsource-variable/onest/files/onest";

/** Path below app/static/vendor: path below node_modules. */
const FILES = {
  "text-expander.js": "@github/text-expander-element/dist/bundle.js",
  "fonts/onest-cyrillic.woff2": `${FONT}-cyrillic-wght-normal.woff2`,
  "fonts/onest-cyrillic-ext.woff2": `${FONT}-cyrillic-ext-wght-normal.woff2`,
  "fonts/onest-latin.woff2": `${FONT}-latin-wght-normal.woff2`,
  "fonts/onest-latin-ext.woff2": `${FONT}-latin-ext-wght-normal.woff2`,
  "licenses/text-expander.txt": "@github/text-expander-element/LICENSE",
  "licenses/onest.txt": "@fontsource-variable/onest/LICENSE",
};

// Written beside and moved into place at the end, so that a failed run leaves the old folder whole.
const fresh = `${TO}.new`;
rmSync(fresh, { recursive: true, force: true });
let bytes = 0;
for (const [to, from] of Object.entries(FILES)) {
  mkdirSync(dirname(join(fresh, to)), { recursive: true });
  cpSync(join(FROM, from), join(fresh, to));
  bytes += statSync(join(fresh, to)).size;
}
rmSync(TO, { recursive: true, force: true });
renameSync(fresh, TO);
console.log(`app/static/vendor: ${Object.keys(FILES).length} files, ${Math.round(bytes / 1024)} KB`);
