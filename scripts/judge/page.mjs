// page.mjs URL OUT: judges one page in a real browser, in light and dark, at widths of a small telephone, a
// telephone and a desk. Exit status 1 on any violation that axe-core finds, on text that runs out of the
// page, on targets smaller than 44 px (WCAG 2.2, 2.5.5), and on anything the browser complains of, such as
// a breach of the page's own policy. Pictures go to OUT.
import puppeteer from 'puppeteer-core';
import { AxePuppeteer } from '@axe-core/puppeteer';

const [url, out] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: process.env.CHROME_PATH, headless: true, args: process.env.CHROME_FLAGS.split(' '),
});
let faults = 0;
const fault = (where, what) => { faults += 1; console.log(`  ${where}: ${what}`); };

// Runs in the page: what sticks out, and what is too small to hit.
function measure() {
  const found = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`is ${scrollWidth} px wide in a window of ${clientWidth} px`);
  for (const target of document.querySelectorAll('a, summary, button')) {
    const { width, height } = target.getBoundingClientRect();
    const shown = target.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
    if (shown && (width < 44 || height < 44)) {
      found.push(`target ${Math.round(width)} x ${Math.round(height)} px: ${target.textContent.trim()}`);
    }
  }
  return found;
}

async function judge(scheme, width) {
  const where = `${scheme}, ${width} px`;
  const page = await browser.newPage();
  page.on('console', (message) => {
    // The document's own 404 is what is being judged there.
    const own = message.location().url === url && message.text().includes('404');
    if (['error', 'warn'].includes(message.type()) && !own) fault(where, `console: ${message.text()}`);
  });
  page.on('pageerror', (error) => fault(where, `error: ${error.message}`));
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await page.setViewport({ width, height: width < 500 ? 844 : 900, deviceScaleFactor: 2, isMobile: width < 500 });
  await page.goto(url, { waitUntil: 'networkidle0' });
  await page.screenshot({ path: `${out}-${scheme}-${width}.png`, fullPage: true });
  // Folded parts are judged too.
  await page.$$eval('details', (all) => all.forEach((details) => { details.open = true; }));
  for (const what of await page.evaluate(measure)) fault(where, what);
  await page.close();

  // axe-core brings a script of its own, which the page's policy forbids.
  const bare = await browser.newPage();
  await bare.setBypassCSP(true);
  await bare.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  await bare.setViewport({ width, height: 844, isMobile: width < 500 });
  await bare.goto(url);
  await bare.$$eval('details', (all) => all.forEach((details) => { details.open = true; }));
  const { violations, passes, incomplete } = await new AxePuppeteer(bare)
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']).analyze();
  console.log(`  ${where}: axe ${violations.length} violations, ${passes.length} passes, ${incomplete.length} undecided`);
  for (const { impact, id, help, nodes } of violations) {
    fault(where, `axe ${impact} ${id}: ${help} -> ${nodes.map((node) => node.target).join(' ')}`);
  }
  for (const { id, nodes } of incomplete) {
    console.log(`    undecided ${id}: ${nodes.map((node) => node.target).join(' ')}`);
  }
  await bare.close();
}

for (const scheme of ['light', 'dark']) {
  for (const width of [320, 390, 1280]) await judge(scheme, width);
}
await browser.close();
process.exit(faults ? 1 : 0);
