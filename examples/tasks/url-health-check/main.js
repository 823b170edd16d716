// All checks run at the same time; one that fails does not keep the others from being told.
async function main(input) {
  const allowed = input.allowed_failures ?? 0;
  const checks = await Promise.all(input.targets.map(check));
  const down = checks.filter((result) => !result.up);
  for (const result of down) {
    console.warn(`${result.url}: ${result.reason}`);
  }
  if (down.length > allowed) {
    const names = down.map((result) => `${result.url} (${result.reason})`).join(", ");
    // Another attempt may find them well: kind "response" is retried unless the policy says otherwise.
    throw Object.assign(new Error(`${down.length} of ${checks.length} are down: ${names}`), { kind: "response" });
  }
  return { healthy: down.length === 0, checked: checks.length, down: down.length, checks };
}

async function check(target) {
  const { url, status: wanted = 200, contains } = target;
  try {
    const response = await fetch(url, { method: target.method ?? "GET", timeout: target.timeout_ms ?? 10000 });
    if (response.status !== wanted) {
      return { url, up: false, status: response.status, reason: `status ${response.status} instead of ${wanted}` };
    }
    if (contains !== undefined && !(await response.text()).includes(contains)) {
      return { url, up: false, status: response.status, reason: `the answer does not contain "${contains}"` };
    }
    return { url, up: true, status: response.status, reason: null };
  } catch (error) {
    return { url, up: false, status: null, reason: error.message };
  }
}
