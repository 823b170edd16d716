(function (parse) {
  'use strict';
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  const encode = (text) =>
    encodeURIComponent(text).replace(/%20/g, '+').replace(/[!'()~]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
  const decode = (text) => {
    const spaced = text.replace(/\+/g, ' ');
    try {
      return decodeURIComponent(spaced);
    } catch {
      return spaced;
    }
  };

  class URLSearchParams {
    #pairs = [];
    #changed;
    constructor(init, changed) {
      this.#changed = typeof changed === 'function' ? changed : () => {};
      if (init === undefined || init === null) return;
      if (typeof init === 'string') {
        for (const part of init.replace(/^\?/, '').split('&')) {
          if (part === '') continue;
          const at = part.indexOf('=');
          this.#pairs.push(at < 0 ? [decode(part), ''] : [decode(part.slice(0, at)), decode(part.slice(at + 1))]);
        }
      } else {
        const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
        for (const [name, value] of pairs) this.#pairs.push([String(name), String(value)]);
      }
    }
    append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(this); }
    delete(name) { this.#pairs = this.#pairs.filter((pair) => pair[0] !== String(name)); this.#changed(this); }
    set(name, value) {
      const first = this.#pairs.findIndex((pair) => pair[0] === String(name));
      if (first < 0) return this.append(name, value);
      this.#pairs = this.#pairs.filter((pair, index) => index === first || pair[0] !== String(name));
      this.#pairs[first] = [String(name), String(value)];
      this.#changed(this);
    }
    sort() { this.#pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0)); this.#changed(this); }
    get(name) { return this.#pairs.find((pair) => pair[0] === String(name))?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter((pair) => pair[0] === String(name)).map((pair) => pair[1]); }
    has(name) { return this.#pairs.some((pair) => pair[0] === String(name)); }
    get size() { return this.#pairs.length; }
    forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
    entries() { return this.#pairs.map((pair) => [pair[0], pair[1]])[Symbol.iterator](); }
    keys() { return this.#pairs.map((pair) => pair[0])[Symbol.iterator](); }
    values() { return this.#pairs.map((pair) => pair[1])[Symbol.iterator](); }
    toString() { return this.#pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'); }
    [Symbol.iterator]() { return this.entries(); }
  }

  class URL {
    #parts;
    #search;
    constructor(url, base) {
      this.#parts = parse(String(url), base === undefined ? null : String(base));
      if (!this.#parts) throw new TypeError(`Invalid URL: ${url}`);
      this.#search = new URLSearchParams(this.#parts[7], (search) => {
        const [without, hash] = [this.href.split('#')[0].split('?')[0], this.hash];
        const query = String(search);
        this.#parts = parse(without + (query && `?${query}`) + hash, null);
      });
    }
    static canParse(url, base) { return Boolean(parse(String(url), base === undefined ? null : String(base))); }
    get href() { return this.#parts[0]; }
    get protocol() { return this.#parts[1]; }
    get username() { return this.#parts[2]; }
    get password() { return this.#parts[3]; }
    get hostname() { return this.#parts[4]; }
    get port() { return this.#parts[5]; }
    get host() { return this.port ? `${this.hostname}:${this.port}` : this.hostname; }
    get pathname() { return this.#parts[6]; }
    get search() { return this.#parts[7]; }
    get hash() { return this.#parts[8]; }
    get origin() { return this.#parts[9]; }
    get searchParams() { return this.#search; }
    toString() { return this.href; }
    toJSON() { return this.href; }
  }
  define('URLSearchParams', URLSearchParams);
  define('URL', URL);
})
