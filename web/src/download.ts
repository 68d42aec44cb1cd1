/** Fetches whole files, says how far it is, and checks that what came is what was sent. */

export class DamagedError extends Error {
  readonly file: string;

  constructor(file: string) {
    super(`${file} is damaged.`);
    this.file = file;
  }
}

export async function download(address: string, onPart: (part: number) => void = () => {}): Promise<Uint8Array> {
  const response = await fetch(address);
  if (!response.ok || !response.body) throw new Error(`${new URL(address).pathname} answers ${response.status}.`);
  // A packed answer says how long it is packed, which tells nothing of how much will come out of it.
  const packed = response.headers.has('content-encoding');
  const expected = packed ? 0 : Number(response.headers.get('content-length'));
  const pieces: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    pieces.push(next.value);
    length += next.value.length;
    if (expected > 0) onPart(Math.min(1, length / expected));
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Throws a DamagedError where the content is not what its checksum says. */
export async function verify(file: string, content: Uint8Array, sha256: string | undefined): Promise<void> {
  // Outside of https and localhost a browser computes no checksums.
  if (sha256 === undefined || !globalThis.crypto?.subtle) return;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content as Uint8Array<ArrayBuffer>));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256) throw new DamagedError(file);
}
