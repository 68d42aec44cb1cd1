import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';

const source = readFileSync(new URL('../public/sw.js', import.meta.url), 'utf8');
const root = 'https://there.example/fruit/';
const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');

type Handler = (event: Record<string, unknown>) => void;
type Store = Map<string, Map<string, Response>>;

let server: Map<string, string>;
let stores: Store;

function publish(version: string, files: Record<string, string>): void {
  const listed = Object.entries(files).map(([path, content]) => [
    path,
    { bytes: content.length, sha256: sha256(content) },
  ]);
  for (const [path, content] of Object.entries(files)) server.set(path, content);
  server.set('files.json', JSON.stringify({ version, files: Object.fromEntries(listed) }));
}

/** Runs sw.js as a browser would that registered it for one version. */
function worker(version: string) {
  const handlers = new Map<string, Handler>();
  const calls: string[] = [];
  const caches = {
    open: async (name: string) => {
      const store = stores.get(name) ?? new Map<string, Response>();
      stores.set(name, store);
      return {
        put: async (key: URL, response: Response) => void store.set(key.href, response),
        match: async (key: URL) => store.get(key.href)?.clone(),
      };
    },
    keys: async () => [...stores.keys()],
    delete: async (name: string) => stores.delete(name),
  };
  const self = {
    location: { href: `${root}sw.js?version=${version}` },
    clients: { claim: async () => void calls.push('claim') },
    skipWaiting: () => calls.push('skipWaiting'),
    addEventListener: (name: string, handler: Handler) => handlers.set(name, handler),
  };
  const fetch = async (address: URL | { url: string }) => {
    const path = ('href' in address ? address.href : address.url).slice(root.length);
    const content = server.get(path);
    return new Response(content ?? 'no such file', { status: content === undefined ? 404 : 200 });
  };
  new Function('self', 'caches', 'fetch', source)(self, caches, fetch);
  const wait = (name: string) =>
    new Promise<unknown>((resolve) => handlers.get(name)?.({ waitUntil: (work: Promise<unknown>) => resolve(work) }));
  return {
    calls,
    install: () => wait('install'),
    activate: () => wait('activate'),
    say: (data: unknown) => handlers.get('message')?.({ data }),
    ask: (url: string, method = 'GET') => {
      let answer: Promise<Response> | null = null;
      const respondWith = (response: Promise<Response>) => {
        answer = response;
      };
      handlers.get('fetch')?.({ request: { url, method }, respondWith });
      return answer as Promise<Response> | null;
    },
  };
}

beforeEach(() => {
  server = new Map();
  stores = new Map();
  publish('one', { 'index.html': '<p>one</p>', 'model/model.onnx': 'weights' });
});

describe('sw.js', () => {
  it('keeps exactly what the list names', async () => {
    server.set('not-listed.txt', 'x');
    await worker('one').install();
    const [store] = stores.values();
    expect([...(store?.keys() ?? [])]).toEqual([`${root}index.html`, `${root}model/model.onnx`]);
  });

  it('answers without a server, for the folder itself too', async () => {
    const one = worker('one');
    await one.install();
    server.clear();
    expect(await (await one.ask(root))?.text()).toBe('<p>one</p>');
    expect(await (await one.ask(`${root}index.html?from=home#top`))?.text()).toBe('<p>one</p>');
  });

  it('isolates what it answers, so that the model may use threads', async () => {
    const one = worker('one');
    await one.install();
    const headers = (await one.ask(root))?.headers;
    expect(headers?.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers?.get('cross-origin-embedder-policy')).toBe('require-corp');
  });

  it('leaves the version before in place when one file is damaged', async () => {
    const one = worker('one');
    await one.install();
    await one.activate();
    publish('two', { 'index.html': '<p>two</p>', 'model/model.onnx': 'better weights' });
    server.set('model/model.onnx', 'bettre weights');
    await expect(worker('two').install()).rejects.toThrow('model/model.onnx is damaged');
    expect(stores.size).toBe(1);
    expect(await (await one.ask(root))?.text()).toBe('<p>one</p>');
  });

  it('leaves the version before in place when one file is missing', async () => {
    await worker('one').install();
    publish('two', { 'index.html': '<p>two</p>', 'model/model.onnx': 'better weights' });
    server.delete('index.html');
    await expect(worker('two').install()).rejects.toThrow('index.html answers 404');
    expect(stores.size).toBe(1);
  });

  it('does not take one version for another', async () => {
    await expect(worker('two').install()).rejects.toThrow('files.json is of version one, not two');
    expect(stores.size).toBe(0);
  });

  it('drops older versions once it serves, and no stranger’s cache', async () => {
    await worker('one').install();
    stores.set('graft https://there.example/flowers/ one', new Map());
    publish('two', { 'index.html': '<p>two</p>' });
    const two = worker('two');
    await two.install();
    expect(stores.size).toBe(3);
    await two.activate();
    expect([...stores.keys()]).toEqual(['graft https://there.example/flowers/ one', `graft ${root} two`]);
    expect(two.calls).toEqual(['claim']);
  });

  it('waits until the page asks for the new version', async () => {
    const one = worker('one');
    await one.install();
    expect(one.calls).toEqual([]);
    one.say('use');
    expect(one.calls).toEqual(['skipWaiting']);
  });

  it('leaves other requests alone', () => {
    const one = worker('one');
    expect(one.ask(`${root}files.json`)).toBeNull();
    expect(one.ask('https://there.example/flowers/index.html')).toBeNull();
    expect(one.ask(root, 'POST')).toBeNull();
  });
});
