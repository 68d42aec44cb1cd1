import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { choose, fill, tables } from '../src/language';

const placeholders = (template: string) => (template.match(/\{\w+\}/g) ?? []).sort();
const english = Object.entries(tables.en);

describe('tables', () => {
  it('have the same keys', () => {
    expect(Object.keys(tables['zh-CN']).sort()).toEqual(Object.keys(tables.en).sort());
  });

  it.each(english)('name the same values for %s', (key, template) => {
    expect(placeholders(tables['zh-CN'][key as keyof typeof tables.en])).toEqual(placeholders(template));
  });

  it.each(Object.entries(tables['zh-CN']))('set Chinese with full-width punctuation in %s', (_, template) => {
    expect(template).not.toMatch(/\p{Script=Han}[,:;!?()]|[,:;!?(]\p{Script=Han}/u);
  });

  it('know every key that index.html asks for', () => {
    const page = readFileSync(new URL('../index.html', import.meta.url), 'utf8');
    const asked = [...page.matchAll(/data-say(?:-label)?="(\w+)"/g)].map((match) => match[1] as string);
    expect(asked.length).toBeGreaterThan(10);
    expect(asked.filter((key) => !Object.hasOwn(tables.en, key))).toEqual([]);
  });
});

describe('choose', () => {
  it.each([
    [null, ['zh-TW', 'en'], 'zh-CN'],
    [null, ['de-DE', 'zh-CN'], 'zh-CN'],
    [null, ['de-DE'], 'en'],
    [null, ['en-GB', 'zh'], 'en'],
    ['en', ['zh-CN'], 'en'],
    ['klingon', ['zh-CN'], 'zh-CN'],
  ])('with %j kept and a browser of %j speaks %s', (stored, browser, expected) => {
    expect(choose(stored, browser)).toBe(expected);
  });
});

it('fill leaves a placeholder that has no value, rather than to lose words', () => {
  expect(fill('{a} of {b}', { a: 0 })).toBe('0 of {b}');
});
