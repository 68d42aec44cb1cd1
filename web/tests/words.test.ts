import { describe, expect, it } from 'vitest';
import { tokensOf, Words } from '../src/words';
import tokenizer from './fixtures/tokenizer.json';
import table from './fixtures/tokens.json';

describe('Words', () => {
  const words = new Words(tokenizer);

  // The numbers come from the tokenizers library 0.23 of Python, with a cut of the packaged encoder's vocabulary.
  it.each(table as [string, number[]][])('gives the numbers of Python for %j', (text, ids) => {
    expect(words.ids(text)).toEqual(ids);
  });
});

describe('tokensOf', () => {
  it('cuts what is too long, the closing token too, as the Python side does', () => {
    expect(tokensOf([1, 2, 3, 4], { tokens: 3, pad: 0, fixed: null })).toEqual(BigInt64Array.of(1n, 2n, 3n));
  });

  it('leaves a short text short where any length is taken', () => {
    expect(tokensOf([1, 2], { tokens: 3, pad: 0, fixed: null })).toEqual(BigInt64Array.of(1n, 2n));
  });

  it('fills up to a fixed length', () => {
    expect(tokensOf([1, 2], { tokens: 3, pad: 7, fixed: 4 })).toEqual(BigInt64Array.of(1n, 2n, 7n, 7n));
  });

  it('never gives more than a fixed length', () => {
    expect(tokensOf([1, 2, 3], { tokens: 3, pad: 0, fixed: 2 })).toEqual(BigInt64Array.of(1n, 2n));
  });
});
