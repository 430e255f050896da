// serve.mjs DIR: serves a static site as its host would, on a free port of loopback, and prints the port.
// It knows the rules of a `_headers` file that a rendered site uses (exact paths and a final `*`), and
// answers paths that do not exist with 404.html, so that judges meet the site's real policy.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';

const root = process.argv[2];
const types = {
  '.html': 'text/html; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml',
  '.xml': 'application/xml', '.txt': 'text/plain; charset=utf-8', '.vcf': 'text/vcard; charset=utf-8',
  '.png': 'image/png', '.jpg': 'image/jpeg', '.webp': 'image/webp', '.avif': 'image/avif', '.gif': 'image/gif',
};

function rules(text) {
  const list = [];
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) list.push({ path: line.trim(), headers: [] });
    else if (line.trim()) list.at(-1).headers.push(line.trim().split(/:\s*(.*)/s).slice(0, 2));
  }
  return list;
}
const headers = rules(await readFile(join(root, '_headers'), 'utf8').catch(() => ''));
const matches = (rule, path) => rule.endsWith('*') ? path.startsWith(rule.slice(0, -1)) : rule === path;

const server = createServer(async (request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname));
  let file = path.endsWith('/') ? `${path}index.html` : path;
  let status = 200;
  let body = path === '/_headers' ? null : await readFile(join(root, file)).catch(() => null);
  if (body === null) {
    [status, file] = [404, '/404.html'];
    body = await readFile(join(root, file)).catch(() => 'not found');
  }
  response.setHeader('Content-Type', types[extname(file)] ?? 'application/octet-stream');
  for (const rule of headers.filter(({ path: pattern }) => matches(pattern, path))) {
    for (const [name, value] of rule.headers) response.setHeader(name, value);
  }
  response.writeHead(status).end(body);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
