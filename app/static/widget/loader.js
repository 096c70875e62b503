/* Kulpunai's chat button. It loads nothing else until a visitor presses it.
   <script async src="https://…/widget.js" data-token="…"></script>, or Chatwoot's snippet, unchanged. */
(() => {
  "use strict";
  const script = document.currentScript;
  const SOON = 20_000, LATER = 90_000, LIVELY = 600_000;

  const CSS = `
    :host { all: initial; position: relative; z-index: 2147483000; }
    [hidden] { display: none !important; }
    button { all: unset; box-sizing: border-box; position: fixed; bottom: 20px; right: 20px; z-index: 1; display: flex; align-items: center;
      gap: 10px; min-width: 60px; height: 60px; padding: 0 16px; border-radius: 30px; cursor: pointer; color: var(--on-fill); background: var(--fill);
      font: 600 15px/1 system-ui, sans-serif; box-shadow: 0 2px 6px #0003, 0 8px 28px #0003; transition: transform .15s;
      animation: breathe 1.6s .6s ease-in-out 1; }
    button:hover { transform: scale(1.04); }
    button:focus-visible { outline: 3px solid var(--fill); outline-offset: 3px; }
    svg { width: 28px; height: 28px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
    b { position: absolute; top: -4px; right: -4px; box-sizing: border-box; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
      font: 600 13px/22px system-ui, sans-serif; text-align: center; color: #fff; background: #b3123a; box-shadow: 0 0 0 2px #fff; }
    iframe { position: fixed; bottom: 92px; right: 20px; width: 380px; height: 600px; max-width: calc(100vw - 40px); max-height: calc(100vh - 112px);
      border: 0; border-radius: 16px; box-shadow: 0 0 0 1px #00000014, 0 12px 48px #00000038; color-scheme: normal; background: #fff; }
    .left button, .left iframe { right: auto; left: 20px; }
    .dark iframe { background: #211f1d; }
    @media (max-width: 480px), (max-height: 460px) {
      iframe { inset: 0 !important; width: 100%; height: var(--height, 100%); max-width: none; max-height: none; border-radius: 0; }
      .open button { display: none; }
    }
    @media (prefers-color-scheme: dark) { .auto iframe { background: #211f1d; } }
    @keyframes breathe { 50% { transform: scale(1.09); } }
    @media (prefers-reduced-motion: reduce) { button { animation: none; transition: none; } }`;
  const ICONS = {
    false: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M20 11.5a8 8 0 0 1-11.6 7.1L4 20l1.4-4.2A8 8 0 1 1 20 11.5z"/></svg>',
    true: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 9l6 6 6-6"/></svg>',
  };

  function start({ websiteToken: key, baseUrl }) {
    const base = baseUrl.replace(/\/+$/, ""), origin = new URL(base).origin, memory = `kulpunai:${key}`;
    const data = script?.dataset || {};
    const settings = { ...window.chatwootSettings, ...window.kulpunaiSettings };
    const page = document.documentElement.lang.slice(0, 2);
    let locale = two(data.locale || settings.locale || (settings.useBrowserLanguage && navigator.language) || (/ru|en/.test(page) ? page : ""));
    let theme = data.theme || settings.theme || settings.darkMode || "auto";
    let look, frame, isReady = false, isOpen = false, unread = 0, livelyUntil = 0, timer, waiting = [];
    const host = document.createElement("div"), root = host.attachShadow({ mode: "open" });
    const place = document.createElement("div"), button = document.createElement("button"), badge = document.createElement("b");
    host.id = "kulpunai";
    button.type = "button";
    button.hidden = badge.hidden = true;

    const api = (window.kulpunai = window.$chatwoot = {
      baseUrl: base,
      websiteToken: key,
      hasLoaded: false,
      get isOpen() { return isOpen; },
      toggle(state) { show(state === "open" || (state !== "close" && !isOpen)); },
      toggleBubbleVisibility(state) { settings.hideMessageBubble = state === "hide"; draw(); },
      setUser(identifier, details = {}) {
        if (!["string", "number"].includes(typeof identifier)) throw new Error("setUser: the identifier is a string or a number");
        say("user", { identifier: String(identifier), details });
      },
      setCustomAttributes(attributes) { say("attributes", { attributes }); },
      deleteCustomAttribute(name) { say("forget_attribute", { name }); },
      setConversationCustomAttributes(attributes) { say("conversation_attributes", { attributes }); },
      deleteConversationCustomAttribute(name) { say("forget_conversation_attribute", { name }); },
      setLabel(label) { say("label", { label }); },
      removeLabel(label) { say("unlabel", { label }); },
      setLocale(wanted) { locale = two(wanted); find(); if (frame) frame.src = address(); },
      setColorScheme(wanted) { theme = wanted; draw(); if (isReady) post({ type: "theme", theme }); },
      popoutChatWindow() { show(true); },
      /* The next person at this computer is nobody's customer yet. */
      reset() {
        waiting = [];
        show(false);
        const hadToken = remembered().token;
        remember({});
        count(0);
        if (frame || hadToken) say("reset", {}), load();
      },
    });

    function two(wanted) { return String(wanted || "").slice(0, 2); }
    function address() { return `${base}/widget?website_token=${encodeURIComponent(key)}${locale ? `&locale=${locale}` : ""}`; }
    function remembered() { try { return JSON.parse(localStorage.getItem(memory)) || {}; } catch { return {}; } }
    function remember(value) { try { localStorage.setItem(memory, JSON.stringify(value)); } catch { /* then only while this page lives */ } }
    function tell(name, detail) {
      for (const brand of ["kulpunai", "chatwoot"]) window.dispatchEvent(new CustomEvent(`${brand}:${name}`, { detail }));
    }

    function say(type, more) { const what = { type, ...more }; if (isReady) post(what); else waiting.push(what); }
    function post(what) { frame.contentWindow.postMessage({ kulpunai: what }, origin); }

    function load() {
      if (frame) return;
      frame = document.createElement("iframe");
      frame.title = look?.words.chat || "Chat";
      frame.allow = "clipboard-write; autoplay";
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
      if (wanted) frame.focus(); else if (root.activeElement || document.activeElement === host) button.focus();
      livelyUntil = Date.now() + LIVELY;
      draw();
      plan();
      tell(wanted ? "opened" : "closed");
    }

    function draw() {
      if (!look) return;
      const side = data.position || settings.position || look.side;
      place.className = [side === "left" ? "left" : "", isOpen ? "open" : "", theme].join(" ");
      place.style.setProperty("--fill", look.fill);
      place.style.setProperty("--on-fill", look.on_fill);
      const title = settings.type === "expanded_bubble" && !isOpen ? settings.launcherTitle || look.title : "";
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
        const answer = await fetch(`${base}/widget/unread?website_token=${key}`, { method: "POST", body: token });
        if (answer.ok && !isOpen) count((await answer.json()).unread);
      } catch { /* next time */ }
    }

    function hear(event) {
      const what = event.data?.kulpunai;
      if (!what || event.origin !== origin || event.source !== frame?.contentWindow) return;
      if (what.type === "ready") {
        isReady = true;
        post({ type: "hello", token: remembered().token, theme, isOpen, url: location.href });
        waiting.splice(0).forEach(post);
      }
      if (what.type === "token") remember(what.token ? { token: what.token } : {});
      if (what.type === "unread") count(what.unread);
      if (what.type === "close") show(false), button.focus();
      if (what.type === "event") tell(what.name, what.detail);
    }

    async function find(tries = 0) {
      try {
        const answer = await fetch(`${base}/widget/look?website_token=${key}${locale ? `&locale=${locale}` : ""}`);
        if (!answer.ok && answer.status < 500) return console.warn("Kulpunai:", (await answer.json()).error);
        look = await answer.json();
      } catch {
        return void setTimeout(find, 5000 * 2 ** Math.min(tries, 5), tries + 1);
      }
      draw();
      ask();
      if (api.hasLoaded) return;
      api.hasLoaded = true;
      tell("ready");
    }

    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];
    } catch {
      root.append(Object.assign(document.createElement("style"), { textContent: CSS }));
    }
    place.append(button);
    root.append(place);
    // beside the body, which some sites replace as people walk through them
    document.documentElement.append(host);
    button.addEventListener("click", () => show(!isOpen));
    addEventListener("message", hear);
    document.addEventListener("visibilitychange", () => document.hidden || ask());
    // a phone's keyboard covers the lower half of the page, and must not cover the composer
    window.visualViewport?.addEventListener("resize", () => place.style.setProperty("--height", `${visualViewport.height}px`));
    find();
  }

  const run = (options) => { if (!window.kulpunai) start(options); };
  window.chatwootSDK = window.kulpunaiSDK = { run };
  if (script?.dataset.token) run({ websiteToken: script.dataset.token, baseUrl: script.dataset.base || new URL(script.src).origin });
})();
