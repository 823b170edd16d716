(function inspect(value) {
  'use strict';
  const DEEPEST = 4, MOST = 100, LONGEST = 10000;
  const seen = [];
  const key = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));

  function list(items, open, close) {
    return items.length === 0 ? open + close : `${open} ${items.join(', ')} ${close}`;
  }
  function limited(count, item) {
    const items = [];
    for (let index = 0; index < count && index < MOST; index++) items.push(item(index));
    if (count > MOST) items.push(`… ${count - MOST} more`);
    return items;
  }
  function show(value, depth) {
    switch (typeof value) {
      case 'string': return depth === 0 ? value : `'${value.slice(0, LONGEST)}'`;
      case 'bigint': return `${value}n`;
      case 'symbol': return value.toString();
      case 'function': return value.name ? `[Function: ${value.name}]` : '[Function (anonymous)]';
      case 'object': break;
      default: return Object.is(value, -0) ? '-0' : String(value);
    }
    if (value === null) return 'null';
    if (value instanceof Error) {
      const stack = String(value.stack ?? '').split('\n').filter((line) => line.includes('main.js'));
      return [String(value), ...stack].join('\n');
    }
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (value instanceof RegExp) return String(value);
    if (value instanceof Promise) return 'Promise {}';
    if (seen.includes(value)) return '[Circular]';
    if (depth >= DEEPEST) return Array.isArray(value) ? '[Array]' : '[Object]';
    seen.push(value);
    try {
      if (Array.isArray(value)) return list(limited(value.length, (index) => show(value[index], depth + 1)), '[', ']');
      if (value instanceof Map) {
        const entries = [...value];
        const items = limited(entries.length, (index) =>
          `${show(entries[index][0], depth + 1)} => ${show(entries[index][1], depth + 1)}`);
        return `Map(${value.size}) ${list(items, '{', '}')}`;
      }
      if (value instanceof Set) {
        const entries = [...value];
        return `Set(${value.size}) ${list(limited(entries.length, (index) => show(entries[index], depth + 1)), '{', '}')}`;
      }
      if (typeof ArrayBuffer === 'function' && ArrayBuffer.isView(value) && 'length' in value) {
        return `${value.constructor.name}(${value.length}) ${list(limited(value.length, (index) => String(value[index])), '[', ']')}`;
      }
      const names = Object.keys(value);
      const items = limited(names.length, (index) => `${key(names[index])}: ${show(value[names[index]], depth + 1)}`);
      const maker = Object.getPrototypeOf(value)?.constructor?.name;
      return (maker && maker !== 'Object' ? `${maker} ` : '') + list(items, '{', '}');
    } finally {
      seen.pop();
    }
  }
  return show(value, 0);
})
