/** Keeps the page for use without a network, and offers a new version once it has come whole. */

export interface OfflineEvents {
  onSaved: () => void;
  onUpdate: (use: () => void) => void;
}

/** The version of what the server holds now; null without a network or where nothing was exported. */
async function versionThere(): Promise<string | null> {
  if (!navigator.onLine) return null;
  try {
    const response = await fetch('files.json', { cache: 'no-store' });
    return response.ok ? ((await response.json()) as { version: string }).version : null;
  } catch {
    return null;
  }
}

export async function keepOffline({ onSaved, onUpdate }: OfflineEvents): Promise<void> {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  const version = await versionThere();
  if (version === null) return;
  const first = workers.controller === null;
  // The version in the address is what makes a browser look for a new one.
  const registration = await workers.register(`sw.js?version=${encodeURIComponent(version)}`, { scope: './' });

  const offer = (worker: ServiceWorker) =>
    onUpdate(() => {
      workers.addEventListener('controllerchange', () => location.reload(), { once: true });
      worker.postMessage('use');
    });
  if (registration.waiting && !first) offer(registration.waiting);
  const follow = (worker: ServiceWorker | null) =>
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed' && !first) offer(worker);
      if (worker.state === 'activated' && first) onSaved();
    });
  follow(registration.installing);
  registration.addEventListener('updatefound', () => follow(registration.installing));
}
