/** The server said no: `status`, `reason` in the reader's words, `wait` in milliseconds when it asked for patience. */
export class Refused extends Error {
  constructor(status, reason, wait = 0) {
    super(reason);
    Object.assign(this, { status, reason, wait });
  }

  /** Whether the same may be accepted later. */
  get isPassing() {
    return this.status >= 500 || [408, 425, 429].includes(this.status);
  }
}

/** The server could not be reached, or did not answer in time. */
export class Unreached extends Error {}

const PATIENCE_MS = 20_000;
const PATIENCE_WITH_FILES_MS = 300_000;

export class Api {
  constructor(websiteToken, locale) {
    this.query = new URLSearchParams({ website_token: websiteToken, locale });
    this.token = null;
  }

  get(path, more) {
    return this.call("GET", path, undefined, more);
  }

  post(path, body) {
    return this.call("POST", path, body);
  }

  patch(path, body) {
    return this.call("PATCH", path, body);
  }

  async call(method, path, body, more = {}) {
    const isForm = body instanceof FormData;
    const headers = { Accept: "application/json", "X-Auth-Token": this.token };
    if (body && !isForm) headers["Content-Type"] = "application/json";
    const answer = await this.fetch(this.address(path, more), {
      method,
      headers,
      body: isForm ? body : body && JSON.stringify(body),
      signal: AbortSignal.timeout(isForm ? PATIENCE_WITH_FILES_MS : PATIENCE_MS),
    });
    const text = await answer.text().catch(() => {
      throw new Unreached();
    });
    const said = parsed(text);
    if (answer.ok) return said;
    throw new Refused(answer.status, said?.error || "", Number(answer.headers.get("Retry-After")) * 1000 || 0);
  }

  address(path, more = {}) {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(more)) query.set(name, value);
    return `/api/v1/widget/${path}?${query}`;
  }

  async fetch(address, options) {
    try {
      return await fetch(address, options);
    } catch {
      throw new Unreached();
    }
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
