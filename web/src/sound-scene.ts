/** The record button with its level, and recordings from files. */
import { find, hook } from './elements';
import { language, onLanguage, say } from './language';
import type { AudioPreprocess } from './manifest';
import { Microphone, microphoneFault } from './microphone';
import { show } from './result';
import type { Scene } from './scene';
import { decodeSound, resample } from './sound';
import { forgive, tellFault } from './status';

/** Seconds beside what the model hears: a person needs a moment to begin, and the graph takes the middle. */
const MARGIN = 0.5;
const NEEDLE = 0.9;

export function openSoundScene({ ask }: Scene, { rate, samples }: AudioPreprocess): void {
  const button = hook('record', HTMLButtonElement);
  const meter = find('#level', HTMLElement);
  const longest = samples / rate + MARGIN;
  let microphone: Microphone | null = null;
  let opening = false;
  let timer = 0;

  onLanguage(() => {
    const seconds = new Intl.NumberFormat(language(), { maximumFractionDigits: 1 }).format(longest);
    find('#record-hint', HTMLElement).textContent = say('recordHint', { seconds });
  });

  let loud = 0;

  /** Falls slowly, as a needle does: what flickers cannot be read. */
  function showLoudness(heard: number): void {
    loud = Math.max(heard, loud * NEEDLE);
    drawLoudness(loud);
  }

  function drawLoudness(value: number): void {
    button.style.setProperty('--loud', value.toFixed(3));
    meter.style.setProperty('--loud', value.toFixed(3));
    meter.setAttribute('aria-valuenow', String(Math.round(value * 100)));
  }

  function showState(recording: boolean): void {
    button.setAttribute('aria-pressed', String(recording));
    const label = find('[data-testid="record"] span', HTMLElement);
    label.dataset.say = recording ? 'stop' : 'record';
    label.textContent = say(recording ? 'stop' : 'record');
    loud = 0;
    drawLoudness(0);
  }

  async function hear(heard: Float32Array): Promise<void> {
    const answer = await ask({ kind: 'sound', samples: heard });
    if (answer) show(answer, () => say('took', { milliseconds: answer.milliseconds.toFixed(0) }));
  }

  async function start(): Promise<void> {
    if (opening) return;
    opening = true;
    try {
      microphone = await Microphone.open(showLoudness);
      forgive();
      showState(true);
      timer = window.setTimeout(stop, longest * 1000);
    } catch (error) {
      tellFault(microphoneFault(error));
    } finally {
      opening = false;
    }
  }

  async function stop(): Promise<void> {
    window.clearTimeout(timer);
    const open = microphone;
    microphone = null;
    if (!open) return;
    const recording = await open.close();
    showState(false);
    if (recording.samples.length > 0) await hear(await resample(recording.samples, recording.rate, rate));
  }

  button.addEventListener('click', () => (microphone ? stop() : start()));
  hook('audio-file', HTMLInputElement).addEventListener('change', async ({ currentTarget }) => {
    const input = currentTarget as HTMLInputElement;
    const file = input.files?.[0];
    if (!file) return;
    try {
      const heard = await decodeSound(file, rate);
      forgive();
      await hear(heard);
    } catch {
      tellFault('errorSound', { file: file.name });
    }
    input.value = '';
  });
}
