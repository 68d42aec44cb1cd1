/** The photos that were chosen, each with its answer, to come back to. */
import type { Answer } from './answer';
import { find, make } from './elements';
import { onLanguage, say } from './language';
import { decodePicture } from './picture';
import type { Scene } from './scene';
import { forgive, tellFault } from './status';

const SHOWN_SIDE = 1280;
const THUMBNAIL_SIDE = 184;

interface Photo {
  button: HTMLButtonElement;
  name: string;
  drawn: HTMLCanvasElement;
  answer: Answer | null;
}

function drawnFrom(picture: ImageBitmap | HTMLCanvasElement, side: number): HTMLCanvasElement {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = make('canvas');
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext('2d');
  if (context) {
    // As the model sees it: what is transparent is white.
    context.fillStyle = 'white';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  }
  return canvas;
}

export class PhotoStrip {
  readonly #ask: Scene['ask'];
  readonly #onShow: (answer: Answer | null) => void;
  readonly #list = find('#strip', HTMLUListElement);
  #photos: Photo[] = [];

  constructor(ask: Scene['ask'], onShow: (answer: Answer | null) => void) {
    this.#ask = ask;
    this.#onShow = onShow;
    onLanguage(() => {
      for (const photo of this.#photos) this.#name(photo);
    });
  }

  /** Shows one after the other, so that many large photos never lie in memory together. */
  async add(files: File[]): Promise<void> {
    this.#photos = [];
    this.#list.replaceChildren();
    this.#list.hidden = files.length < 2;
    for (const file of files) await this.#one(file);
  }

  async #one(file: File): Promise<void> {
    let bitmap: ImageBitmap;
    try {
      bitmap = await decodePicture(file);
    } catch {
      tellFault('errorPicture', { file: file.name });
      return;
    }
    forgive();
    const drawn = drawnFrom(bitmap, SHOWN_SIDE);
    const photo: Photo = { button: make('button'), name: file.name, drawn, answer: null };
    this.#photos.push(photo);
    this.#show(photo);
    photo.answer = await this.#ask({ kind: 'picture', bitmap });
    photo.button.type = 'button';
    photo.button.append(drawnFrom(drawn, THUMBNAIL_SIDE), make('span'));
    photo.button.addEventListener('click', () => this.#show(photo));
    this.#name(photo);
    const item = make('li');
    item.append(photo.button);
    this.#list.append(item);
    this.#show(photo);
  }

  #name({ button, name, answer }: Photo): void {
    const words = answer ? (answer.unsure ? say('notSure') : answer.label) : '…';
    const label = button.querySelector('span');
    if (label) label.textContent = words;
    button.setAttribute('aria-label', `${words}, ${name}`);
  }

  #show(photo: Photo): void {
    for (const other of this.#photos) other.button.toggleAttribute('aria-current', false);
    photo.button.setAttribute('aria-current', 'true');
    const still = find('#still', HTMLCanvasElement);
    still.width = photo.drawn.width;
    still.height = photo.drawn.height;
    still.getContext('2d')?.drawImage(photo.drawn, 0, 0);
    this.#onShow(photo.answer);
  }
}
