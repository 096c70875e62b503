// Talking with the server: parts of pages in, forms out, and what went wrong told to the person.

const PART = { "X-Part": "true" };

/** The HTML at `url`, as elements; [] when there is nothing to show now (204). Throws when it cannot be had. */
export async function part(url) {
  const response = await fetch(url, { headers: PART, credentials: "same-origin" });
  if (response.redirected && new URL(response.url).pathname === "/sign-in") location.reload();
  if (!response.ok) throw new Error(`${response.status}`);
  return response.status === 204 ? [] : elements(await response.text());
}

/** As `part`, but it does not give up while the network is away: what the log told of must be shown, if later. */
export async function steadyPart(url, isWanted = () => true) {
  for (let wait = 500; isWanted(); wait = Math.min(wait * 2, 10_000)) {
    try {
      return await part(url);
    } catch (problem) {
      // fetch throws a TypeError when nobody answered; 502 to 504 mean that somebody will soon
      if (!(problem instanceof TypeError) && !/^50[234]$/.test(problem.message)) throw problem;
      await new Promise((later) => setTimeout(later, wait));
    }
  }
  return [];
}

/** Elements made of HTML that our own templates rendered. */
export function elements(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}

/** Send a form or form data; the response, whatever its status. Throws only when the network is gone. */
export function post(url, body, options = {}) {
  return fetch(url, { method: "POST", body, headers: PART, credentials: "same-origin", ...options });
}

/** What the server said was wrong, in its words. */
export async function reason(response) {
  try {
    const body = await response.json();
    return body.message || body.error || response.statusText;
  } catch {
    return response.statusText || String(response.status);
  }
}

/** A word that passes by itself; errors stay longer and are read out at once. */
export function toast(words, isError = false) {
  const place = document.getElementById("toasts");
  const note = document.createElement("p");
  note.className = isError ? "toast toast--failed" : "toast";
  note.setAttribute("role", isError ? "alert" : "status");
  note.textContent = words;
  place.append(note);
  setTimeout(() => note.remove(), isError ? 8000 : 4000);
}

/** Put `fresh` in the place of `old`: what was open stays open, what was being written stays written, where the eye was it
 * stays, and the keyboard keeps its place. */
export function renew(old, fresh) {
  const stops = (root) => [...root.querySelectorAll("a, button, select, input, textarea, summary, [tabindex]")];
  const active = document.activeElement;
  const at = stops(old).indexOf(active);
  const wasOpen = old.matches(":popover-open");
  const menus = [...old.querySelectorAll(":popover-open")].map((menu) => menu.id);
  const written = [...old.querySelectorAll("input[id], textarea[id]")].filter((field) => field.value !== field.defaultValue);
  const within = (id) => id && fresh.querySelector(`#${CSS.escape(id)}`);
  const folds = [...old.querySelectorAll("details")].map((fold) => fold.open);
  const { scrollTop } = old;
  old.replaceWith(fresh);
  fresh.querySelectorAll("details").forEach((fold, n) => n in folds && (fold.open = folds[n]));
  for (const field of written) if (within(field.id)) within(field.id).value = field.value;
  if (wasOpen) fresh.showPopover?.();
  for (const id of menus) within(id)?.showPopover();
  fresh.scrollTop = scrollTop;
  if (at < 0) return;
  const place = within(active.id) || stops(fresh)[at];
  place?.focus({ preventScroll: true });
  if (place?.tagName === "TEXTAREA") place.setSelectionRange(active.selectionStart, active.selectionEnd);
}

/** `run`, once, `wait` ms after the last call with the same key. */
export function debounced(wait) {
  const timers = new Map();
  return (key, run) => {
    clearTimeout(timers.get(key));
    timers.set(key, setTimeout(() => (timers.delete(key), run()), wait));
  };
}
