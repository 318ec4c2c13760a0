// Opens the dashboard at QUINTILE_URL in Chromium and looks for what a person would trip over.
//
// QUINTILE_URL=http://127.0.0.1:8080 node --test tests/browser      (needs a published run)
// QUINTILE_CHROMIUM names the browser, /usr/bin/chromium without it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const address = process.env.QUINTILE_URL;
assert.ok(address, "QUINTILE_URL is not set: start `quintile serve` and give its address");
const axe = await readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.QUINTILE_CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(async () => {
  await browser?.close();
});

/** Opens a page; every console message, failed request and CSP report lands in `complaints`. */
async function open(path, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("requestfailed", (request) => complaints.push(`${request.url()} failed`));
  const response = await page.goto(new URL(path, address).href, { waitUntil: "load" });
  return { context, page, response, complaints };
}

/** Runs axe in the page. The page's own policy forbids foreign script, so axe goes in by the debugger. */
async function violations(page) {
  await page.evaluate(axe);
  const report = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  return report.violations.map(
    (found) => `${found.id}: ${found.help} (${found.nodes.map((node) => node.target.join(" ")).join("; ")})`,
  );
}

// The demo's workspace "retail_orders" has made-up customers, and so the banner about them.
const pages = ["/", "/quality", "/quality?workspace=retail_orders"];
const looks = pages.flatMap((path) =>
  ["light", "dark"].flatMap((colorScheme) => [320, 1280].map((width) => ({ path, colorScheme, width }))),
);
for (const { path, colorScheme, width } of looks) {
  test(`${path} is accessible: ${colorScheme}, ${width} px`, async () => {
    const { context, page, response, complaints } = await open(path, {
      colorScheme,
      viewport: { width, height: 900 },
    });
    assert.equal(response.status(), 200);
    assert.deepEqual(complaints, []);
    await page.evaluate(() => {
      for (const part of document.querySelectorAll("details")) part.open = true;
    });
    assert.deepEqual(await violations(page), []);
    const reach = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(reach <= width, `the page is ${reach} px wide in a window of ${width} px`);
    await context.close();
  });
}

test("all sections are there, none says that it is missing", async () => {
  const { context, page } = await open("/");
  const headings = await page.locator("h2").allTextContents();
  for (const heading of ["Key figures", "Personas", "Segments", "Number of clusters", "Lifetime value", "Cohorts"]) {
    assert.ok(headings.includes(heading), `${heading} is not among ${headings}`);
  }
  assert.deepEqual(await page.locator(".missing").allTextContents(), []);
  assert.equal(await page.locator("article.persona").count(), 4);
  await context.close();
});

test("the page of data quality tells what made-up customers are worth, and keeps the workspace", async () => {
  const { context, page } = await open("/quality?workspace=retail_orders");
  const headings = await page.locator("h2").allTextContents();
  for (const heading of ["To look at", "Sources of orders", "Customers, products and campaigns", "Rejected rows by reason"]) {
    assert.ok(headings.includes(heading), `${heading} is not among ${headings}`);
  }
  assert.match(await page.locator(".banner").textContent(), /made-up ids for .* orders: each gathers .* say nothing about loyalty/);
  assert.equal(await page.locator("article.source").count(), 1);
  await page.getByRole("link", { name: "Overview" }).click();
  assert.equal(await page.locator("#workspace").inputValue(), "retail_orders");
  await page.getByRole("link", { name: "Data quality" }).click();
  assert.equal(await page.locator("h1").textContent(), "Data quality");
  assert.equal(await page.getByRole("link", { name: "Data quality" }).getAttribute("aria-current"), "page");
  await context.close();
});

test("nothing comes from elsewhere, and little comes at all", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const seen = [];
  page.on("response", async (response) => seen.push(response.url()));
  await page.goto(address, { waitUntil: "networkidle" });
  const own = new URL(address).origin;
  assert.deepEqual(seen.filter((url) => new URL(url).origin !== own), []);
  assert.ok(seen.length <= 4, `${seen.length} requests: ${seen}`);
  await context.close();
});

test("the CSV of a persona is downloaded and holds what the card says", async () => {
  const { context, page } = await open("/");
  const card = page.locator("article.persona").filter({ has: page.getByRole("link", { name: /Export CSV/ }) }).first();
  const count = Number((await card.locator(".size b").textContent()).replaceAll(",", ""));
  const [download] = await Promise.all([page.waitForEvent("download"), card.getByRole("link", { name: /Export CSV/ }).click()]);
  assert.match(download.suggestedFilename(), /^[a-z0-9_]+-[a-z0-9_]+\.csv$/);
  const text = await readFile(await download.path(), "utf8");
  const lines = text.trimEnd().split("\r\n");
  assert.match(lines[0], /(^|,)customer_id(,|$)/);
  assert.equal(lines.length - 1, count);
  for (const line of lines) assert.doesNotMatch(line, /(^|,)"?[=@+]/, line);
  await context.close();
});

test("the keyboard reaches the skip link, the exports and the details, with the focus in sight", async () => {
  const { context, page } = await open("/");
  const reached = [];
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      return { name: element.textContent.trim().slice(0, 40), outlined: style.outlineStyle !== "none" };
    });
    if (!focused) break;
    assert.ok(focused.outlined, `no outline on "${focused.name}"`);
    reached.push(focused.name);
  }
  assert.equal(reached[0], "Skip to content");
  assert.ok(reached.some((name) => name.includes("Export CSV")), reached.join(" | "));
  assert.ok(reached.some((name) => name.includes("Figures as a table")), reached.join(" | "));
  await context.close();
});

test("an unknown address gives a small page that leads back", async () => {
  const { context, page, response } = await open("/nothing/here");
  assert.equal(response.status(), 404);
  assert.deepEqual(await violations(page), []);
  assert.equal(await page.getByRole("link", { name: "Go to the overview" }).count(), 1);
  await context.close();
});
