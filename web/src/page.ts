/** From an address to a model that answers: the steps in order. */
import { describe, openAbout } from './about';
import { announce, toAnswer } from './answer';
import { DamagedError } from './download';
import { find, hook } from './elements';
import { type Key, keep, language, onLanguage, say, speakAsChosen } from './language';
import { type Manifest, ManifestError, parseManifest } from './manifest';
import { keepOffline } from './offline';
import { openPictureScene } from './picture-scene';
import { watchResult } from './result';
import type { Scene } from './scene';
import { Session } from './session';
import { openSoundScene } from './sound-scene';
import { showProgress, tell, tellFault, watchStatus } from './status';
import { openTextScene } from './text-scene';

const folder = new URL('model/', document.baseURI).href;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function translate(): void {
  for (const element of document.querySelectorAll<HTMLElement>('[data-say]')) {
    element.textContent = say(element.dataset.say as Key);
  }
  for (const element of document.querySelectorAll<HTMLElement>('[data-say-label]')) {
    element.setAttribute('aria-label', say(element.dataset.sayLabel as Key));
  }
}

function openLanguage(): void {
  speakAsChosen();
  onLanguage(translate);
  hook('language', HTMLButtonElement).addEventListener('click', () => keep(language() === 'en' ? 'zh-CN' : 'en'));
}

const isSupported = (): boolean =>
  typeof WebAssembly === 'object' && 'OffscreenCanvas' in window && 'createImageBitmap' in window;

async function readManifest(): Promise<Manifest> {
  const response = await fetch(`${folder}manifest.json`);
  if (!response.ok) throw new Error(`model/manifest.json answers ${response.status}`);
  return parseManifest(await response.json());
}

function openScene(manifest: Manifest, opening: Promise<Session>): void {
  const scene: Scene = {
    manifest,
    ask: async (input) => {
      try {
        const session = await opening;
        const answer = toAnswer(await session.ask(input), manifest.classes, manifest.unknownThreshold);
        announce(answer);
        return answer;
      } catch (error) {
        // Why the model did not open is told where it was opened.
        if (await opening.catch(() => null)) tellFault('errorRun', { reason: reasonOf(error) });
        return null;
      }
    },
  };
  find(`[data-modality="${manifest.modality}"]`, HTMLElement).hidden = false;
  if (manifest.audio) openSoundScene(scene, manifest.audio);
  else if (manifest.text) openTextScene(scene);
  else openPictureScene(scene);
}

async function openModel(opening: Promise<Session>): Promise<void> {
  try {
    await opening;
    tell('ready');
  } catch (error) {
    if (error instanceof DamagedError) tellFault('errorDamaged', { file: error.file });
    else tellFault('errorModel', { reason: reasonOf(error) });
  } finally {
    showProgress(null);
  }
}

function openOffline(): void {
  const button = find('#update', HTMLButtonElement);
  void keepOffline({
    onSaved: () => tell('offlineReady'),
    onUpdate: (use) => {
      tell('updateReady');
      button.hidden = false;
      button.addEventListener('click', use, { once: true });
    },
  });
}

async function openPage(): Promise<void> {
  openLanguage();
  watchStatus();
  watchResult();
  openAbout();
  if (!isSupported()) {
    tellFault('errorUnsupported');
    return;
  }
  tell('loading');
  showProgress(0);
  try {
    const manifest = await readManifest();
    document.title = manifest.name;
    find('#name', HTMLElement).textContent = manifest.name;
    const opening = Session.open(folder, manifest, showProgress);
    describe(folder, manifest, opening);
    openScene(manifest, opening);
    await openModel(opening);
  } catch (error) {
    showProgress(null);
    if (error instanceof ManifestError) tellFault('errorManifest', { reason: error.message });
    else tellFault('errorModel', { reason: reasonOf(error) });
    return;
  }
  openOffline();
}

void openPage();
