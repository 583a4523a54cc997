import { expect, it } from 'vitest';
import type { Clock } from './clock.js';
import { createDroppedEvents } from './dropped-events.js';

it('counts each loss by its component, and tells of many at once in one error', () => {
  const timers: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    after(_delayMs, callback) {
      timers.push(callback);
      return () => void timers.splice(timers.indexOf(callback), 1);
    },
  };
  const errors: string[] = [];
  const counted: string[] = [];
  const dropped = createDroppedEvents({
    clock,
    onError: ({ message }) => errors.push(message),
    onDropped: (component) => counted.push(component),
  });
  const [one, other] = [dropped.of('one'), dropped.of('other')];
  one(new Error('first'));
  other(new Error('away'));
  expect({ errors, counted, timers: timers.length }).toEqual({
    errors: [],
    counted: ['one', 'other'],
    timers: 1,
  });
  timers.shift()?.();
  expect(errors).toEqual(['2 events were not written: away']);
  one(new Error('again'));
  dropped.close();
  expect(timers).toEqual([]);
});
