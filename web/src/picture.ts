/** Pictures become bitmaps on the page, and RGB pixels in the worker. */
import type { Frame } from './answer';

/**
 * The most pixels that a photo keeps. The graph shrinks further anyway; a 50-megapixel photo at full size would need
 * more memory than a phone gives a page, and more than the canvas of an iPhone holds (16.7 million).
 */
export const LARGEST = 4_000_000;

/** The width to which a picture must be shrunk, or null where it may stay as it is. */
export function widthWithin(width: number, height: number, largest = LARGEST): number | null {
  return width * height <= largest ? null : Math.max(1, Math.floor(width * Math.sqrt(largest / (width * height))));
}

/** The middle of a video that a box of another shape shows of it (object-fit: cover). */
export function visiblePart(width: number, height: number, boxWidth: number, boxHeight: number): DOMRect {
  const scale = Math.max(boxWidth / width, boxHeight / height);
  const [shownWidth, shownHeight] = [Math.round(boxWidth / scale), Math.round(boxHeight / scale)];
  return new DOMRect(
    Math.floor((width - shownWidth) / 2),
    Math.floor((height - shownHeight) / 2),
    shownWidth,
    shownHeight,
  );
}

/** Drops the fourth channel: RGBA, row by row, to RGB. */
export function toRgb(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from] as number;
    rgb[to + 1] = rgba[from + 1] as number;
    rgb[to + 2] = rgba[from + 2] as number;
  }
  return rgb;
}

/** Draws on white, because a transparent pixel has no colour of its own. */
export function frameOf(bitmap: ImageBitmap): Frame {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('This browser gives no canvas.');
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  return { data: toRgb(context.getImageData(0, 0, width, height).data), width, height };
}

/** Decodes a photo upright and without colour conversion, shrunk where it is too large. */
export async function decodePicture(file: Blob): Promise<ImageBitmap> {
  const options: ImageBitmapOptions = { imageOrientation: 'from-image', colorSpaceConversion: 'none' };
  const address = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = address;
    // The header alone says how large a picture is; decoding it to find out could already be too much.
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error('The file is no picture.'));
    });
    const width = widthWithin(image.naturalWidth, image.naturalHeight);
    // One side alone keeps the proportions, whichever way the camera was held.
    const shrunk = width === null ? {} : ({ resizeWidth: width, resizeQuality: 'high' } as const);
    try {
      return await createImageBitmap(file, { ...options, ...shrunk });
    } catch {
      // Older browsers know fewer options, and some formats (SVG) decode as an element only.
      return await createImageBitmap(image, shrunk);
    }
  } finally {
    URL.revokeObjectURL(address);
  }
}
