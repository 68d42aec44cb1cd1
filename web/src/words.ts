/** Texts become numbers of tokens, as the tokenizers library of Python makes them. */
import { Tokenizer } from '@huggingface/tokenizers';
import type { TextPreprocess } from './manifest';

interface TokenizerFile {
  normalizer?: { type?: string; lowercase?: boolean; handle_chinese_chars?: boolean } | null;
}

// The library looks for Chinese characters among 16-bit units and so misses those beyond them; the ranges are Python's.
const RARE_CHINESE =
  /[\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

export class Words {
  readonly #tokenizer: Tokenizer;
  readonly #normalizer: NonNullable<TokenizerFile['normalizer']>;

  constructor(file: object) {
    this.#tokenizer = new Tokenizer(file, {});
    this.#normalizer = (file as TokenizerFile).normalizer ?? {};
  }

  ids(text: string): number[] {
    return this.#tokenizer.encode(this.#likePython(text)).ids;
  }

  #likePython(text: string): string {
    const { type, lowercase, handle_chinese_chars: chinese } = this.#normalizer;
    const bert = type === 'BertNormalizer';
    // JavaScript writes a sigma at the end of a word in another way than one within it, Rust does not.
    const lower = (bert && lowercase) || type === 'Lowercase' ? text.replaceAll('Σ', 'σ') : text;
    return bert && chinese ? lower.replace(RARE_CHINESE, ' $& ') : lower;
  }
}

/** Cuts what is too long, and fills up to a fixed length where the graph asks for one. */
export function tokensOf(ids: number[], { tokens, pad, fixed }: TextPreprocess): BigInt64Array {
  const cut = ids.slice(0, Math.min(tokens, fixed ?? tokens));
  const filled = new BigInt64Array(fixed ?? cut.length).fill(BigInt(pad));
  cut.forEach((id, index) => {
    filled[index] = BigInt(id);
  });
  return filled;
}
