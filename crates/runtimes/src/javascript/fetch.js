(function (native) {
  'use strict';
  const pending = Object.create(null);
  let last = 0;

  class Headers {
    #pairs = [];
    constructor(init) {
      if (init === undefined || init === null) return;
      if (init instanceof Headers || Array.isArray(init)) for (const [name, value] of init) this.append(name, value);
      else for (const name of Object.keys(init)) this.append(name, init[name]);
    }
    append(name, value) { this.#pairs.push([String(name).toLowerCase(), String(value)]); }
    set(name, value) { this.delete(name); this.append(name, value); }
    delete(name) {
      const own = String(name).toLowerCase();
      this.#pairs = this.#pairs.filter((pair) => pair[0] !== own);
    }
    has(name) { return this.get(name) !== null; }
    get(name) {
      const own = String(name).toLowerCase();
      const values = this.#pairs.filter((pair) => pair[0] === own).map((pair) => pair[1]);
      return values.length === 0 ? null : values.join(', ');
    }
    getSetCookie() { return this.#pairs.filter((pair) => pair[0] === 'set-cookie').map((pair) => pair[1]); }
    forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
    entries() { return this.#pairs.map((pair) => [pair[0], pair[1]])[Symbol.iterator](); }
    keys() { return this.#pairs.map((pair) => pair[0])[Symbol.iterator](); }
    values() { return this.#pairs.map((pair) => pair[1])[Symbol.iterator](); }
    toJSON() { return Object.fromEntries(this); }
    [Symbol.iterator]() { return this.entries(); }
  }

  class Response {
    #body;
    #read = false;
    constructor(answer, redirected, headers) {
      this.status = answer.status;
      this.statusText = answer.statusText;
      this.ok = answer.status >= 200 && answer.status < 300;
      this.url = answer.url;
      this.redirected = redirected;
      this.headers = headers;
      this.#body = { text: answer.text, bytes: answer.bytes };
    }
    get bodyUsed() { return this.#read; }
    #take() {
      if (this.#read) throw new TypeError('the body of this response was read before');
      this.#read = true;
      const body = this.#body;
      this.#body = undefined;
      return body;
    }
    async text() { return this.#take().text; }
    async json() {
      const { text } = this.#take();
      try {
        return JSON.parse(text);
      } catch (error) {
        const failure = new SyntaxError(`the answer of ${this.url.split('?')[0]} (status ${this.status}) is no JSON: ${error.message}`);
        throw Object.defineProperty(failure, 'kind', { value: 'response', configurable: true });
      }
    }
    async arrayBuffer() { return this.#take().bytes; }
    async bytes() { return new Uint8Array(this.#take().bytes); }
  }

  function bodyOf(body, headers) {
    if (body === undefined || body === null) return null;
    const kind = (type) => { if (!headers.has('content-type')) headers.set('content-type', type); };
    if (typeof body === 'string') {
      kind('text/plain;charset=UTF-8');
      return body;
    }
    if (typeof URLSearchParams === 'function' && body instanceof URLSearchParams) {
      kind('application/x-www-form-urlencoded;charset=UTF-8');
      return String(body);
    }
    if (typeof ArrayBuffer === 'function') {
      if (body instanceof ArrayBuffer) return Array.from(new Uint8Array(body));
      if (ArrayBuffer.isView(body)) return Array.from(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
    }
    throw new TypeError('the body of a fetch is a string, a URLSearchParams or bytes; give an object as JSON.stringify(object)');
  }

  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  define('Headers', Headers);
  define('Response', Response);
  define('fetch', function fetch(url, options) {
    return new Promise((resolve, reject) => {
      const { method = 'GET', headers, body, timeout, redirect = 'follow' } = options ?? {};
      if (!['follow', 'manual', 'error'].includes(redirect)) {
        throw new TypeError(`the redirect of a fetch is "${redirect}": follow, manual and error are allowed`);
      }
      if (timeout !== undefined && !(Number(timeout) > 0)) {
        throw new TypeError(`the timeout of a fetch is ${timeout}: a number of milliseconds over 0 is allowed`);
      }
      const all = new Headers(headers);
      const sent = bodyOf(body, all);
      const id = ++last;
      const pairs = [];
      for (const pair of all) pairs.push(pair[0], pair[1]);
      native.start(id, {
        method: String(method).toUpperCase(),
        url: String(url),
        headers: pairs,
        body: sent,
        timeout: timeout === undefined ? 0 : Number(timeout),
        follow: redirect === 'follow',
      });
      pending[id] = { resolve, reject, redirect, url: String(url) };
    });
  });

  return function settle(id, failure, kind, answer) {
    const { resolve, reject, redirect, url: asked } = pending[id];
    delete pending[id];
    if (failure === null && redirect === 'error' && [301, 302, 303, 307, 308].includes(answer.status)) {
      failure = 'fetch: the answer is a redirect, which redirect: "error" refuses';
      kind = 'response';
    }
    if (failure !== null) {
      const error = new TypeError(failure);
      reject(Object.defineProperty(error, 'kind', { value: kind, configurable: true }));
      return;
    }
    const headers = new Headers(), pairs = answer.headers;
    for (let index = 0; index < pairs.length; index += 2) headers.append(pairs[index], pairs[index + 1]);
    resolve(new Response(answer, answer.url !== asked, headers));
  };
})
