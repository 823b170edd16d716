async function main(input) {
  const { base, quote, above, below } = input;
  if (above !== undefined && below !== undefined && below >= above) {
    throw Object.assign(new Error(`below is ${below}: it must be less than above, which is ${above}`), {
      kind: "input",
    });
  }
  const api = input.api ?? "https://api.frankfurter.dev/v1/latest";
  const url = `${api}?base=${encodeURIComponent(base)}&symbols=${encodeURIComponent(quote)}`;
  const response = await fetch(url);
  if (response.status === 404 || response.status === 422) {
    throw Object.assign(new Error(`${base}/${quote} is not known to ${api}`), { kind: "input" });
  }
  if (!response.ok) {
    throw Object.assign(new Error(`${api} answered with status ${response.status}`), { kind: "response" });
  }
  const rate = (await response.json()).rates?.[quote];
  if (typeof rate !== "number") {
    throw Object.assign(new Error(`the answer of ${api} has no rate for ${quote}`), { kind: "response" });
  }
  const reason =
    above !== undefined && rate > above
      ? `${rate} is above ${above}`
      : below !== undefined && rate < below
        ? `${rate} is below ${below}`
        : null;
  return { pair: `${base}/${quote}`, rate, alert: reason !== null, reason };
}
