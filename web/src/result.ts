/** Shows an answer, and lets a screen reader hear it without haste. */
import type { Answer } from './answer';
import { find, hook, make } from './elements';
import { onLanguage, percent, say } from './language';

const PAUSE = 1500; // milliseconds between two spoken answers

let shown: Answer | null = null;
let speed: (() => string) | null = null;
let spokenAt = 0;
let pending = 0;

const wording = (answer: Answer): string => (answer.unsure ? say('notSure') : answer.label);

function row(): HTMLLIElement {
  const item = make('li');
  const track = make('span', 'track');
  track.append(make('span'));
  track.setAttribute('aria-hidden', 'true');
  item.append(make('span', 'kind'), track, make('span', 'number'));
  return item;
}

function draw(): void {
  const label = hook('answer', HTMLElement);
  const list = hook('top', HTMLOListElement);
  label.textContent = shown ? wording(shown) : say('waiting');
  find('#result', HTMLElement).dataset.state = shown ? (shown.unsure ? 'unsure' : 'sure') : 'empty';
  find('#hint', HTMLElement).textContent = shown?.unsure ? say('notSureHint') : '';
  hook('speed', HTMLElement).textContent = speed?.() ?? '';
  const top = shown?.top ?? [];
  while (list.children.length > top.length) list.lastElementChild?.remove();
  while (list.children.length < top.length) list.append(row());
  top.forEach(({ name, probability }, index) => {
    const item = list.children[index] as HTMLLIElement;
    const [kind, , number] = item.children as unknown as [HTMLElement, HTMLElement, HTMLElement];
    kind.textContent = name;
    number.textContent = percent(probability);
    item.style.setProperty('--part', probability.toFixed(4));
  });
}

function speakSlowly(): void {
  window.clearTimeout(pending);
  pending = window.setTimeout(
    () => {
      const spoken = find('#spoken', HTMLElement);
      const words = shown ? `${wording(shown)} ${percent(shown.top[0]?.probability ?? 0)}` : '';
      // The same kind at another percentage is no news.
      if (shown && spoken.dataset.label !== wording(shown)) spoken.textContent = words;
      spoken.dataset.label = shown ? wording(shown) : '';
      spokenAt = performance.now();
    },
    Math.max(0, PAUSE - (performance.now() - spokenAt)),
  );
}

export function watchResult(): void {
  onLanguage(draw);
}

/** `describeSpeed` is asked again when the language changes. */
export function show(answer: Answer, describeSpeed: () => string): void {
  shown = answer;
  speed = describeSpeed;
  draw();
  speakSlowly();
}

export function clear(): void {
  shown = null;
  speed = null;
  draw();
}
