// A job may run more than once: after a crash, or a retry. Each page is written under a key that is the same in every
// attempt, so that the target can tell a repetition.
async function main(input, context) {
  let url = input.source;
  let pages = 0;
  let items = 0;
  while (url !== null) {
    if (pages === (input.max_pages ?? 100)) {
      console.warn(`stopped after ${pages} pages`);
      return { pages, items, complete: false, next: url };
    }
    const page = await ask(url, { headers: { accept: "application/json", ...input.headers } });
    const body = await page.json();
    if (!Array.isArray(body.items)) {
      throw Object.assign(new Error(`${url}: the answer has no list named items`), { kind: "response", retryable: false });
    }
    if (body.items.length > 0) {
      await ask(input.target, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "idempotency-key": `${context.jobId}-${pages}`,
          ...input.headers,
        },
        body: JSON.stringify(body.items),
      });
    }
    pages += 1;
    items += body.items.length;
    console.log(`page ${pages}: ${body.items.length} items`);
    url = body.next ?? null;
  }
  return { pages, items, complete: true, next: null };
}

async function ask(url, options) {
  const response = await fetch(url, options);
  if (response.ok) {
    return response;
  }
  const error = new Error(`${options.method ?? "GET"} ${url} answered with status ${response.status}`);
  error.kind = "response";
  error.retryable = response.status === 429 || response.status >= 500;
  const seconds = Number(response.headers.get("retry-after"));
  if (seconds > 0) {
    error.retryAfter = seconds;
  }
  throw error;
}
