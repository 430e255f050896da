// gate.mjs REPORT FORM: reads a Lighthouse report. Exit status 1 when accessibility, best practices or SEO
// is below 100; 3 when only performance is, below 90: that number depends on how busy the machine is.
import { readFileSync } from 'node:fs';

const [file, form] = process.argv.slice(2);
const { categories, audits, runtimeError } = JSON.parse(readFileSync(file, 'utf8'));
if (runtimeError) {
  console.log(`  ${form}: ${runtimeError.message}`);
  process.exit(1);
}
const score = (name) => Math.round((categories[name].score ?? 0) * 100);
const names = ['accessibility', 'best-practices', 'seo', 'performance'];
console.log(`  ${form}: ${names.map((name) => `${name} ${score(name)}`).join(', ')}, ${audits['total-byte-weight'].numericValue} bytes`);
for (const { id, score: points, scoreDisplayMode, title, displayValue } of Object.values(audits)) {
  if (points !== null && points < 1 && ['binary', 'numeric'].includes(scoreDisplayMode)) {
    console.log(`    ${points} ${id}: ${title} ${displayValue ?? ''}`);
  }
}
if (['accessibility', 'best-practices', 'seo'].some((name) => score(name) < 100)) process.exit(1);
process.exit(score('performance') < 90 ? 3 : 0);
