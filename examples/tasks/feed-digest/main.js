// Run it once a day with {"hours": 24}: what is new is counted from the schedule's tick, so that a late run misses nothing.
async function main(input, context) {
  const until = Date.parse(input.until ?? context.scheduledFor ?? new Date().toISOString());
  const since = until - (input.hours ?? 24) * 3600 * 1000;
  const failed = [];
  const lists = await Promise.all(
    input.feeds.map(async (url) => {
      try {
        return await read(url);
      } catch (error) {
        console.warn(`${url}: ${error.message}`);
        failed.push(url);
        return [];
      }
    }),
  );
  if (failed.length === input.feeds.length) {
    throw new Error(`none of the ${failed.length} feeds can be read`);
  }
  const items = lists
    .flat()
    .filter((item) => item.time > since && item.time <= until)
    .sort((one, other) => other.time - one.time)
    .slice(0, input.limit ?? 50)
    .map(({ time, ...item }) => ({ ...item, published: new Date(time).toISOString() }));
  const text = items.map((item) => `- ${item.title} (${item.feed})\n  ${item.link}`).join("\n");
  return { items, failed: failed.sort(), text: text === "" ? "Nothing new." : text };
}

async function read(url) {
  const response = await fetch(url, { headers: { accept: "application/rss+xml, application/atom+xml, application/feed+json" } });
  if (!response.ok) {
    throw new Error(`status ${response.status}`);
  }
  const body = (await response.text()).trim();
  return body.startsWith("{") ? ofJson(JSON.parse(body)) : ofXml(body);
}

function ofJson(feed) {
  return (feed.items ?? []).map((item) => ({
    feed: feed.title ?? "",
    title: item.title ?? "",
    link: item.url ?? "",
    time: Date.parse(item.date_published ?? item.date_modified ?? ""),
  }));
}

// Feeds are regular enough for regular expressions; what is no feed has no items.
function ofXml(xml) {
  const blocks = xml.match(/<(item|entry)[\s>][\s\S]*?<\/\1>/g) ?? [];
  const feed = element(xml.split(/<(?:item|entry)[\s>]/)[0], "title");
  return blocks.map((block) => ({
    feed,
    title: element(block, "title"),
    link: element(block, "link") || text(/<link[^>]*href="([^"]*)"/.exec(block)?.[1] ?? ""),
    time: Date.parse(element(block, "pubDate") || element(block, "published") || element(block, "updated")),
  }));
}

function element(xml, name) {
  return text(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`).exec(xml)?.[1] ?? "");
}

function text(xml) {
  const named = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  const decode = (part) => part.replace(/&(amp|lt|gt|quot|apos);/g, (_, name) => named[name]);
  const cdata = /<!\[CDATA\[([\s\S]*?)\]\]>/.exec(xml);
  return (cdata ? cdata[1] : decode(xml)).trim();
}
