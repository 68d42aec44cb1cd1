// Keeps exactly the files of files.json, whole or not at all. Registered as sw.js?version=..., once for each version.
const version = new URL(self.location.href).searchParams.get('version');
const root = new URL('./', self.location.href).href;
const family = `graft ${root} `; // two models on one server share their caches' name space
const cacheName = family + version;

async function sha256(content) {
  const digest = await crypto.subtle.digest('SHA-256', content);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// Isolation gives threads to the model, on any server that knows nothing of these headers.
function isolated(response, content) {
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.delete('Content-Encoding'); // the content is unpacked already
  if (content) headers.set('Content-Length', String(content.byteLength));
  return new Response(content ?? response.body, { status: response.status, statusText: response.statusText, headers });
}

async function keep(cache, path, wanted) {
  const response = await fetch(new URL(path, root), { cache: 'no-cache' });
  if (!response.ok) throw new Error(`${path} answers ${response.status}`);
  const content = await response.arrayBuffer();
  if ((await sha256(content)) !== wanted.sha256) throw new Error(`${path} is damaged`);
  await cache.put(new URL(path, root), isolated(response, content));
}

async function install() {
  const list = await (await fetch(new URL('files.json', root), { cache: 'no-store' })).json();
  if (list.version !== version) throw new Error(`files.json is of version ${list.version}, not ${version}`);
  try {
    const cache = await caches.open(cacheName);
    for (const [path, wanted] of Object.entries(list.files)) await keep(cache, path, wanted);
  } catch (error) {
    await caches.delete(cacheName);
    throw error; // the version before stays
  }
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(family) && name !== cacheName).map((name) => caches.delete(name)),
  );
  await self.clients.claim();
}

async function answer(request) {
  const address = new URL(request.url);
  address.search = address.hash = '';
  if (address.href === root) address.pathname += 'index.html';
  const kept = await (await caches.open(cacheName)).match(address);
  return kept ?? isolated(await fetch(request));
}

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('message', ({ data }) => data === 'use' && self.skipWaiting());
self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && url.startsWith(root) && url !== `${root}files.json`) event.respondWith(answer(event.request));
});
