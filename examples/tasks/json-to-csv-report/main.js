async function main(input) {
  const response = await fetch(input.url, { headers: { accept: "application/json", ...input.headers } });
  if (!response.ok) {
    throw Object.assign(new Error(`${input.url} answered with status ${response.status}`), {
      kind: "response",
      // Who is asked wrongly will not answer otherwise later.
      retryable: response.status >= 500 || response.status === 429,
    });
  }
  const list = at(await response.json(), input.list ?? "");
  if (!Array.isArray(list)) {
    throw Object.assign(new Error(`list is "${input.list ?? ""}": there is no array at this place of the answer`), {
      retryable: false,
    });
  }
  let rows = list.map((item) => input.columns.map((column) => at(item, column.field)));
  if (input.sort_by !== undefined) {
    const place = input.columns.findIndex((column) => column.field === input.sort_by);
    if (place < 0) {
      throw Object.assign(new Error(`sort_by is "${input.sort_by}": it must be the field of a column`), { retryable: false });
    }
    rows = rows.sort((one, other) => compare(one[place], other[place]));
  }
  if (input.limit !== undefined) {
    rows = rows.slice(0, input.limit);
  }
  const head = input.columns.map((column) => column.title ?? column.field);
  console.log(`${rows.length} of ${list.length} rows`);
  return { csv: [head, ...rows].map(line).join("\r\n") + "\r\n", rows: rows.length };
}

// The value at a place such as "address.city"; an empty place is the whole.
function at(value, place) {
  return place === "" ? value : place.split(".").reduce((inner, key) => inner?.[key], value);
}

function compare(one, other) {
  if (typeof one === "number" && typeof other === "number") {
    return one - other;
  }
  const [a, b] = [String(one ?? ""), String(other ?? "")];
  return a < b ? -1 : a > b ? 1 : 0;
}

// RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe.
function line(cells) {
  return cells
    .map((cell) => {
      const text = cell === undefined || cell === null ? "" : typeof cell === "object" ? JSON.stringify(cell) : String(cell);
      const safe = typeof cell === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    })
    .join(",");
}
