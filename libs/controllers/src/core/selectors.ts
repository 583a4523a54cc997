import { compileLabelSelector, selectorFromLabels, type LabelSelector as Compiled } from '#libs/apimachinery';
import type { LabelSelector } from '#libs/client';

// Cached objects are read only and live as long as their selectors are asked: compile each once.
const compiled = new WeakMap<object, Compiled>();

/** A compiled selector of a cached object; an absent one selects nothing. */
export function selectorOf(selector: LabelSelector | undefined): Compiled {
  if (selector === undefined) return compileLabelSelector(undefined);
  let known = compiled.get(selector);
  if (known === undefined) compiled.set(selector, (known = compileLabelSelector(selector)));
  return known;
}

export function selectorOfLabels(labels: Record<string, string>): Compiled {
  let known = compiled.get(labels);
  if (known === undefined) compiled.set(labels, (known = selectorFromLabels(labels)));
  return known;
}
