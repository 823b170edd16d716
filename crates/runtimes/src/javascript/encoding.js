(function (native) {
  'use strict';
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

  define('btoa', function btoa(value) {
    const text = String(value);
    const out = [];
    for (let index = 0; index < text.length; index += 3) {
      const codes = [0, 1, 2].map((offset) => text.charCodeAt(index + offset));
      if (codes.some((code) => code > 255)) throw new TypeError('btoa: the text has a character beyond U+00FF');
      const [a, b, c] = codes.map((code) => code || 0);
      out.push(DIGITS[a >> 2], DIGITS[((a & 3) << 4) | (b >> 4)],
        index + 1 < text.length ? DIGITS[((b & 15) << 2) | (c >> 6)] : '=',
        index + 2 < text.length ? DIGITS[c & 63] : '=');
    }
    return out.join('');
  });
  define('atob', function atob(value) {
    let text = String(value).replace(/[\t\n\f\r ]/g, '');
    if (text.length % 4 === 0) text = text.replace(/==?$/, '');
    if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text)) throw new TypeError('atob: the text is no base64');
    const out = [];
    let bits = 0, count = 0;
    for (const digit of text) {
      bits = ((bits << 6) | DIGITS.indexOf(digit)) & 0xffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        out.push(String.fromCharCode((bits >> count) & 255));
      }
    }
    return out.join('');
  });
  if (typeof Uint8Array !== 'function') return;

  define('TextEncoder', class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(value = '') { return native.encode(String(value).toWellFormed()); }
  });
  define('TextDecoder', class TextDecoder {
    constructor(encoding = 'utf-8') {
      if (!/^utf-?8$/i.test(encoding)) throw new RangeError(`TextDecoder: ${encoding} is not supported: utf-8 is allowed`);
    }
    get encoding() { return 'utf-8'; }
    decode(bytes) {
      if (bytes === undefined) return '';
      const view = ArrayBuffer.isView(bytes)
        ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        : new Uint8Array(bytes);
      return native.decode(Array.from(view));
    }
  });
})
