/* The chat button: it loads nothing else until it is pressed. <script async src="https://…/widget.js" data-token="…"></script> */
(() => {
  "use strict";
  const script = document.currentScript;
  const SOON = 20_000, LATER = 90_000, LIVELY = 600_000;

  const CSS = `
:host { all: initial; position: relative; z-index: 2147483000; }
[hidden] { display: none !important; }
button { all: unset; box-sizing: border-box; position: fixed; bottom: 20px; right: 20px; z-index: 1; display: flex; align-items: center;
gap: 10px; min-width: 60px; height: 60px; padding: 0 16px; border-radius: 30px; cursor: pointer; color: var(--on-fill); background: var(--fill);
font: 600 15px/1 system-ui, sans-serif; box-shadow: 0 4px 20px #0004; transition: scale .15s; animation: breathe 1.6s .6s ease-in-out; }
button:hover { scale: 1.04; }
button:focus-visible { outline: 3px solid var(--fill); outline-offset: 3px; }
svg { width: 28px; height: 28px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
b { position: absolute; top: -4px; right: -4px; min-width: 10px; padding: 0 6px; border-radius: 11px; font-size: 13px; line-height: 22px;
text-align: center; color: #fff; background: #b3123a; box-shadow: 0 0 0 2px #fff; }
iframe { position: fixed; bottom: 92px; right: 20px; width: 380px; height: 600px; max-width: calc(100vw - 40px); max-height: calc(100vh - 112px);
border: 0; border-radius: 16px; box-shadow: 0 0 0 1px #0001, 0 12px 48px #0004; }
.left button, .left iframe { right: auto; left: 20px; }
@media (max-width: 480px), (max-height: 460px) {
iframe, .left iframe { inset: 0; width: 100%; height: var(--height, 100%); max-width: none; max-height: none; border-radius: 0; }
.open button { display: none; }
}
@keyframes breathe { 50% { scale: 1.09; } }
@media (prefers-reduced-motion: reduce) { button { animation: none; transition: none; } }`;
  const icon = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
  const ICONS = { false: icon("M20 11.5a8 8 0 0 1-11.6 7.1L4 20l1.4-4.2A8 8 0 1 1 20 11.5z"), true: icon("M6 9l6 6 6-6") };

  function start({ websiteToken: key, baseUrl }) {
    const { origin } = new URL(baseUrl), memory = `kulpunai:${key}`;
    const data = script?.dataset || {};
    const settings = { ...window.chatwootSettings, ...window.kulpunaiSettings };
    const page = document.documentElement.lang.slice(0, 2);
    let locale = two(data.locale || settings.locale || (settings.useBrowserLanguage && navigator.language) || (/ru|en/.test(page) ? page : ""));
    let theme = data.theme || settings.theme || settings.darkMode || "auto";
    let look, frame, isReady = false, isOpen = false, unread = 0, livelyUntil = 0, timer, waiting = [];
    const host = document.createElement("div"), root = host.attachShadow({ mode: "open" });
    const place = document.createElement("div"), button = document.createElement("button"), badge = document.createElement("b");
    host.id = "kulpunai";
    button.hidden = badge.hidden = true;

    const api = (window.kulpunai = window.$chatwoot = {
      baseUrl: origin,
      websiteToken: key,
      hasLoaded: false,
      get isOpen() { return isOpen; },
      toggle(state) { show(state === "open" || (state !== "close" && !isOpen)); },
      toggleBubbleVisibility(state) { settings.hideMessageBubble = state === "hide"; draw(); },
      setUser(identifier, details = {}) {
        say("user", { identifier: String(identifier), details });
      },
      setLocale(wanted) { locale = two(wanted); find(); isReady = false; if (frame) frame.src = address(); },
      setColorScheme(wanted) { theme = wanted; if (isReady) post({ type: "theme", theme }); },
      popoutChatWindow() { show(true); },
      /* The next person at this computer is nobody's customer yet. */
      reset() {
        waiting = [];
        show(false);
        const hadToken = remembered().token;
        remember({});
        count(0);
        if (!frame && !hadToken) return;
        say("reset");
        isReady = false; // the card begins anew: what is said from now on waits for that
        load();
      },
    });
    const verbs = {
      setCustomAttributes: "attributes", deleteCustomAttribute: "forget_attribute", setConversationCustomAttributes: "conversation_attributes",
      deleteConversationCustomAttribute: "forget_conversation_attribute", setLabel: "label", removeLabel: "unlabel",
      bringAnswer: "answer",
    };
    for (const name in verbs) api[name] = (value) => say(verbs[name], { value });

    function two(wanted) { return String(wanted || "").slice(0, 2); }
    function query() { return `?website_token=${encodeURIComponent(key)}&locale=${locale}`; }
    function address() { return `${origin}/widget${query()}`; }
    function remembered() { try { return JSON.parse(localStorage.getItem(memory)) || {}; } catch { return {}; } }
    function remember(value) { try { localStorage.setItem(memory, JSON.stringify(value)); } catch { /* not kept here */ } }
    function tell(name, detail) {
      for (const brand of ["kulpunai", "chatwoot"]) window.dispatchEvent(new CustomEvent(`${brand}:${name}`, { detail }));
    }

    function say(type, more) { const what = { type, ...more }; if (isReady) post(what); else waiting.push(what); }
    function post(what) { frame.contentWindow.postMessage({ kulpunai: what }, origin); }

    function load() {
      if (frame) return;
      frame = document.createElement("iframe");
      frame.title = look?.words.chat || "Chat";
      frame.src = address();
      frame.hidden = true;
      place.append(frame);
    }

    function show(wanted) {
      if (wanted === isOpen || (wanted && !look)) return;
      isOpen = wanted;
      if (wanted) load();
      if (frame) frame.hidden = !wanted;
      if (isReady) post({ type: wanted ? "open" : "close" });
      if (wanted) frame.focus();
      livelyUntil = Date.now() + LIVELY;
      draw();
      plan();
      tell(wanted ? "opened" : "closed");
    }

    function draw() {
      if (!look) return;
      const side = data.position || settings.position || look.side;
      place.className = `${side} ${isOpen ? "open" : ""}`;
      place.style.setProperty("--fill", look.fill);
      place.style.setProperty("--on-fill", look.on_fill);
      const title = settings.type === "expanded_bubble" && !isOpen && (settings.launcherTitle || look.title);
      const said = unread ? `${look.words.open}, ${plural(look.words.unread, unread)}` : look.words.open;
      button.hidden = Boolean(settings.hideMessageBubble);
      button.innerHTML = ICONS[isOpen];
      if (title) button.append(title);
      badge.textContent = unread > 99 ? "99+" : unread;
      badge.hidden = !unread || isOpen;
      button.append(badge);
      button.setAttribute("aria-label", isOpen ? look.words.close : said);
      button.setAttribute("aria-expanded", isOpen);
    }

    function plural(forms, n) {
      const form = new Intl.PluralRules(locale || page || "ru").select(n);
      return (forms[form] || forms.other).replace("{n}", n);
    }

    function count(n) { if (n > unread) tell("on-message", { unread: n }); unread = n; draw(); }

    function plan() { clearTimeout(timer); timer = setTimeout(ask, Date.now() < livelyUntil ? SOON : LATER); }

    /* While the card is closed, a small question now and then; none from those who never wrote. */
    async function ask() {
      plan();
      const { token } = remembered();
      if (!token || isOpen || document.hidden) return;
      try {
        const answer = await fetch(`${origin}/widget/unread${query()}`, { method: "POST", body: token });
        if (answer.ok && !isOpen) count((await answer.json()).unread);
      } catch { /* next time */ }
    }

    function hear(event) {
      const what = event.data?.kulpunai;
      if (!what || event.origin !== origin || event.source !== frame?.contentWindow) return;
      if (what.type === "ready") {
        isReady = true;
        post({ type: "hello", kept: remembered(), theme, isOpen, url: location.href });
        waiting.splice(0).forEach(post);
      }
      if (what.type === "keep") remember(what.value);
      if (what.type === "unread") count(what.unread);
      if (what.type === "close") show(false), button.focus();
      if (what.type === "event") tell(what.name, what.detail);
    }

    async function find(tries = 0) {
      try {
        const answer = await fetch(`${origin}/widget/look${query()}`);
        const said = await answer.json();
        if (answer.status >= 500) throw said;
        if (!answer.ok) return console.warn("Kulpunai:", said.error);
        look = said;
      } catch {
        return void setTimeout(find, 5000 * 2 ** Math.min(tries, 5), tries + 1);
      }
      draw();
      ask();
      if (api.hasLoaded) return;
      api.hasLoaded = true;
      tell("ready");
    }

    const sheet = new CSSStyleSheet(); // a <style> would need the site's Content-Security-Policy to allow it
    sheet.replaceSync(CSS);
    root.adoptedStyleSheets = [sheet];
    place.append(button);
    root.append(place);
    // beside the body, which some sites replace as people walk through them
    document.documentElement.append(host);
    button.addEventListener("click", () => show(!isOpen));
    addEventListener("message", hear);
    addEventListener("storage", (event) => event.key === memory && isReady && post({ type: "kept", value: remembered() }));
    document.addEventListener("visibilitychange", () => document.hidden || ask());
    // a phone's keyboard covers the lower half of the page, and must not cover the composer
    window.visualViewport?.addEventListener("resize", () => place.style.setProperty("--height", `${visualViewport.height}px`));
    find();
  }

  const run = (options) => { if (!window.kulpunai) start(options); };
  window.chatwootSDK = window.kulpunaiSDK = { run };
  if (script?.dataset.token) run({ websiteToken: script.dataset.token, baseUrl: new URL(script.src).origin });
})();
