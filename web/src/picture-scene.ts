/** The camera view, its buttons, and photos from the gallery. */
import type { Answer } from './answer';
import { Camera, cameraFault, type Facing } from './camera';
import { find, hook } from './elements';
import { say } from './language';
import { PhotoStrip } from './photo-strip';
import { show } from './result';
import type { Scene } from './scene';
import { Speed } from './speed';
import { forgive, tellFault } from './status';

type Mode = 'idle' | 'live' | 'frozen' | 'photo';

const took = (answer: Answer) => () => say('took', { milliseconds: answer.milliseconds.toFixed(0) });

export function openPictureScene({ ask }: Scene): void {
  const view = find('#view', HTMLElement);
  const camera = new Camera(find('#video', HTMLVideoElement));
  const freeze = hook('freeze', HTMLButtonElement);
  const turn = hook('switch', HTMLButtonElement);
  const back = find('#back', HTMLButtonElement);
  const speed = new Speed();
  let mode: Mode = 'idle';
  let round = 0;

  function enter(next: Mode): void {
    mode = next;
    view.dataset.mode = next;
    view.classList.toggle('mirrored', camera.facing === 'user');
    turn.hidden = next !== 'live' && next !== 'frozen';
    freeze.hidden = turn.hidden;
    back.hidden = next !== 'photo';
    freeze.setAttribute('aria-pressed', String(next === 'frozen'));
    find('[data-testid="freeze"] use', SVGUseElement).setAttribute('href', next === 'frozen' ? '#play' : '#pause');
    const label = find('[data-testid="freeze"] span', HTMLElement);
    label.dataset.say = next === 'frozen' ? 'resume' : 'freeze';
    label.textContent = say(next === 'frozen' ? 'resume' : 'freeze');
  }

  const describe = (answer: Answer) => () => {
    const measured = speed.measured;
    if (!measured) return took(answer)();
    return say('speed', { rate: measured.rate.toFixed(1), milliseconds: measured.milliseconds.toFixed(0) });
  };

  /** One frame at a time: what the camera shows meanwhile is never asked about. */
  async function watch(): Promise<void> {
    const mine = ++round;
    speed.restart();
    let fresh = camera.next();
    while (mode === 'live' && mine === round) {
      await fresh;
      const bitmap = mode === 'live' ? await camera.frame() : null;
      // A frame that comes while the model answers need not be waited for afterwards.
      fresh = camera.next();
      const answer = bitmap && (await ask({ kind: 'picture', bitmap }));
      if (!answer || mode !== 'live' || mine !== round) continue;
      speed.add(performance.now(), answer.milliseconds);
      show(answer, describe(answer));
    }
  }

  async function start(facing: Facing): Promise<void> {
    try {
      await camera.start(facing);
    } catch (error) {
      camera.stop();
      enter('idle');
      tellFault(cameraFault(error));
      return;
    }
    forgive();
    enter('live');
    void watch();
  }

  async function toggle(): Promise<void> {
    if (mode === 'frozen') {
      await camera.resume();
      enter('live');
      void watch();
      return;
    }
    camera.pause();
    enter('frozen');
    // The answer that stays must be about the picture that stays.
    const bitmap = await camera.frame();
    const answer = bitmap && (await ask({ kind: 'picture', bitmap }));
    if (answer && (mode as Mode) === 'frozen') show(answer, took(answer));
  }

  const strip = new PhotoStrip(ask, (answer) => {
    camera.stop();
    enter('photo');
    if (answer) show(answer, took(answer));
  });

  hook('start', HTMLButtonElement).addEventListener('click', () => start(camera.facing));
  back.addEventListener('click', () => start(camera.facing));
  turn.addEventListener('click', () => start(camera.facing === 'environment' ? 'user' : 'environment'));
  freeze.addEventListener('click', toggle);
  hook('photo', HTMLInputElement).addEventListener('change', async ({ currentTarget }) => {
    const input = currentTarget as HTMLInputElement;
    const files = Array.from(input.files ?? []);
    await strip.add(files);
    // Else choosing the same file again would be no change.
    input.value = '';
  });
  // A page that nobody looks at gives camera and battery back.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden && mode === 'live') camera.stop();
    else if (!document.hidden && mode === 'live' && !camera.open) void start(camera.facing);
  });
}
