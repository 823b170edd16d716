(input, context) => {
  const lines = input.text.split(/\r?\n/).filter((line) => line.trim() !== "");
  const levels = {};
  const messages = new Map();
  const minutes = new Map();
  lines.forEach((line, place) => {
    const level = (/\b(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\b/i.exec(line)?.[1] ?? "other").toLowerCase();
    const name = level === "warning" ? "warn" : level;
    levels[name] = (levels[name] ?? 0) + 1;
    const minute = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.exec(line)?.[0].replace(" ", "T");
    if (minute !== undefined) {
      minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
    }
    const message = plain(line);
    messages.set(message, (messages.get(message) ?? 0) + 1);
    if (place % 10000 === 9999) {
      console.log(`${place + 1} of ${lines.length} lines`);
    }
  });
  const top = [...messages]
    .map(([message, count]) => ({ message, count }))
    .sort((one, other) => other.count - one.count || (one.message < other.message ? -1 : 1))
    .slice(0, input.top ?? 5);
  const busiest = [...minutes].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1))[0];
  return {
    lines: lines.length,
    levels,
    top,
    busiest_minute: busiest === undefined ? null : { minute: busiest[0], lines: busiest[1] },
  };

  // What is left of a line without what differs each time.
  function plain(line) {
    return line
      .replace(/^\s*\[?\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\]?\s*/, "")
      .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, "<id>")
      .replace(/\b0x[0-9a-f]+\b/gi, "<hex>")
      .replace(/\d+(?:\.\d+)*/g, "<n>")
      .trim();
  }
}
