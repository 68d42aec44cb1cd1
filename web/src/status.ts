/** The one line that says how things stand, in the language of the moment. */
import { find, hook } from './elements';
import { type Key, onLanguage, say } from './language';

let shown: { key: Key; values: Record<string, string | number>; fault: boolean } | null = null;

function draw(): void {
  const line = hook('status', HTMLElement);
  line.textContent = shown ? say(shown.key, shown.values) : '';
  line.classList.toggle('fault', shown?.fault ?? false);
}

export function watchStatus(): void {
  onLanguage(draw);
}

export function tell(key: Key, values: Record<string, string | number> = {}): void {
  shown = { key, values, fault: false };
  draw();
}

export function tellFault(key: Key, values: Record<string, string | number> = {}): void {
  shown = { key, values, fault: true };
  draw();
}

/** A fault that was mended need not be told any more. */
export function forgive(): void {
  if (!shown?.fault) return;
  tell('ready');
}

/** A part from 0 to 1, or null once all has come. */
export function showProgress(part: number | null): void {
  const bar = find('#progress', HTMLProgressElement);
  bar.hidden = part === null;
  if (part !== null) bar.value = part;
}
