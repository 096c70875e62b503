let words = {};
let rules = new Intl.PluralRules("ru");
let locale = "ru";

export function speak(dictionary, language) {
  words = dictionary;
  locale = language;
  rules = new Intl.PluralRules(language);
}

/** The text of that name, its {fields} filled in; with `n`, in the right plural form. */
export function say(name, fields = {}) {
  const found = words[name] ?? name;
  const text = typeof found === "string" ? found : found[rules.select(fields.n)] || found.other;
  return text.replace(/\{(\w+)\}/g, (whole, field) => (typeof fields[field] === "number" ? number(fields[field]) : fields[field] ?? whole));
}

export function number(value) {
  return new Intl.NumberFormat(locale).format(value);
}

export function time(date) {
  return new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }).format(date);
}

export function day(date) {
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  if (days === 0) return say("today");
  if (days === 1) return say("yesterday");
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", ...(isThisYear ? {} : { year: "numeric" }) }).format(date);
}

/** When we are back: at 9:00, tomorrow at 9:00, on Monday at 9:00, on the visitor's own clock. */
export function back(date) {
  const days = Math.round((midnight(date) - midnight(new Date())) / 86_400_000);
  if (days === 0) return say("back_at", { time: time(date) });
  if (days === 1) return say("back_tomorrow", { time: time(date) });
  return say("back_on", { day: new Intl.DateTimeFormat(locale, { day: "numeric", month: "long" }).format(date), time: time(date) });
}

export function size(bytes) {
  if (bytes < 1024) return say("bytes", { n: bytes });
  if (bytes < 1024 * 1024) return say("kilobytes", { n: Math.round(bytes / 1024) });
  return say("megabytes", { n: Math.round(bytes / 1024 / 102.4) / 10 });
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}
