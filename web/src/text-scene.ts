/** The text box: answers on the button, and by itself once the writing pauses. */
import { hook } from './elements';
import { say } from './language';
import { clear, show } from './result';
import type { Scene } from './scene';

const PAUSE = 400; // milliseconds

export function openTextScene({ ask }: Scene): void {
  const box = hook('text', HTMLTextAreaElement);
  let timer = 0;
  let asked = 0;

  async function answerNow(): Promise<void> {
    window.clearTimeout(timer);
    const mine = ++asked;
    if (box.value.trim() === '') {
      clear();
      return;
    }
    const answer = await ask({ kind: 'text', text: box.value });
    if (answer && mine === asked) show(answer, () => say('took', { milliseconds: answer.milliseconds.toFixed(0) }));
  }

  hook('classify', HTMLButtonElement).addEventListener('click', answerNow);
  box.addEventListener('input', () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(answerNow, PAUSE);
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void answerNow();
  });
}
