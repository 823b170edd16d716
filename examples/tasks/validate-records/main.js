(input) => {
  const { records, rules, unique = [] } = input;
  const seen = new Map(unique.map((field) => [field, new Map()]));
  const faults = [];
  const valid = [];
  records.forEach((record, place) => {
    const before = faults.length;
    const fault = (field, message) => faults.push({ record: place, field, message });
    for (const [field, rule] of Object.entries(rules)) {
      const value = record[field];
      if (value === undefined || value === null || value === "") {
        if (rule.required) fault(field, "is missing");
        continue;
      }
      const message = broken(value, rule);
      if (message !== null) fault(field, message);
    }
    for (const [field, values] of seen) {
      const key = JSON.stringify(record[field] ?? null);
      if (key === "null") continue;
      if (values.has(key)) fault(field, `is the same as in record ${values.get(key)}`);
      else values.set(key, place);
    }
    if (faults.length === before) valid.push(record);
  });
  const summary = { records: records.length, valid: valid.length, faults: faults.length };
  if (input.fail_on_faults && faults.length > 0) {
    const { record, field, message } = faults[0];
    throw Object.assign(new Error(`${faults.length} faults, the first: record ${record}: ${field} ${message}`), {
      kind: "input",
    });
  }
  return { summary, valid, faults: faults.slice(0, 1000) };

  function broken(value, rule) {
    if (rule.type === "integer" ? !Number.isInteger(value) : rule.type !== undefined && typeof value !== rule.type) {
      return `is no ${rule.type}`;
    }
    if (rule.pattern !== undefined && !new RegExp(rule.pattern, "u").test(String(value))) {
      return `does not match ${rule.pattern}`;
    }
    if (rule.one_of !== undefined && !rule.one_of.includes(value)) {
      return `is none of ${rule.one_of.join(", ")}`;
    }
    if (rule.min !== undefined && value < rule.min) return `is less than ${rule.min}`;
    if (rule.max !== undefined && value > rule.max) return `is more than ${rule.max}`;
    return null;
  }
}
