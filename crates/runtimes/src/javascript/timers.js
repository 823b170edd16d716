(function (native) {
  'use strict';
  const define = (name, value) =>
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  const callbacks = Object.create(null);
  let last = 0;

  function start(callback, args, milliseconds, again) {
    if (typeof callback !== 'function') throw new TypeError('a timer calls a function');
    const id = ++last;
    callbacks[id] = { callback, args, milliseconds: Number(milliseconds) || 0, again };
    native.start(id, callbacks[id].milliseconds);
    return id;
  }
  function clear(id) {
    if (id in callbacks) {
      delete callbacks[id];
      native.cancel(id);
    }
  }

  define('setTimeout', function setTimeout(callback, milliseconds, ...args) {
    return start(callback, args, milliseconds, false);
  });
  define('setInterval', function setInterval(callback, milliseconds, ...args) {
    return start(callback, args, Math.max(1, Number(milliseconds) || 0), true);
  });
  define('clearTimeout', clear);
  define('clearInterval', clear);
  define('queueMicrotask', function queueMicrotask(callback) { Promise.resolve().then(callback); });
  define('sleep', function sleep(milliseconds) {
    return new Promise((resolve) => start(resolve, [], milliseconds, false));
  });

  return function fire(id) {
    const timer = callbacks[id];
    if (timer === undefined) return;
    if (timer.again) native.start(id, timer.milliseconds);
    else delete callbacks[id];
    timer.callback(...timer.args);
  };
})
