/** Finds what index.html promised. */

export function find<Kind extends Element>(selector: string, kind: new () => Kind): Kind {
  const element = document.querySelector(selector);
  if (!(element instanceof kind)) throw new Error(`index.html has no ${selector}.`);
  return element;
}

export const hook = <Kind extends Element>(name: string, kind: new () => Kind): Kind =>
  find(`[data-testid="${name}"]`, kind);

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  text = '',
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}
