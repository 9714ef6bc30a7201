import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Linked } from './linkedList.ts';
import { createLinkedList } from './linkedList.ts';

interface Item {
  readonly own: Linked<Item>;
  readonly other: Linked<Item>;
}

const makeItem = (): Item => ({
  own: { previous: undefined, next: undefined },
  other: { previous: undefined, next: undefined },
});

function walk(first: Item | undefined): Item[] {
  const items: Item[] = [];
  for (let item = first; item !== undefined; item = item.own.next) items.push(item);
  return items;
}

describe('a linked list', () => {
  it('behaves as an array does, whatever is pushed and removed, in both directions', () => {
    // undefined pushes, a number removes the item at that place.
    const steps = fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (commands) => {
        const list = createLinkedList<Item>((item) => item.own);
        const model: Item[] = [];
        for (const place of commands) {
          if (place === undefined) {
            const item = makeItem();
            list.push(item);
            model.push(item);
          } else if (model.length > 0) {
            const [item] = model.splice(place % model.length, 1) as [Item];
            list.remove(item);
            expect(item.own).toEqual({ previous: undefined, next: undefined });
          }
          const items = walk(list.first);
          expect(items.length).toBe(model.length);
          items.forEach((item, index) => {
            expect(item).toBe(model[index]);
            expect(item.own.previous).toBe(model[index - 1]);
          });
        }
      }),
    );
  });

  it('takes an item back that has left', () => {
    const list = createLinkedList<Item>((item) => item.own);
    const [a, b] = [makeItem(), makeItem()];
    for (const item of [a, b]) list.push(item);
    list.remove(a);
    list.push(a);
    expect(walk(list.first)).toEqual([b, a]);
  });

  it('holds an item that is in another list, too', () => {
    const [one, two] = [
      createLinkedList<Item>((item) => item.own),
      createLinkedList<Item>((item) => item.other),
    ];
    const [a, b] = [makeItem(), makeItem()];
    for (const item of [a, b]) one.push(item);
    for (const item of [b, a]) two.push(item);
    one.remove(a);
    expect(one.first).toBe(b);
    expect(two.first).toBe(b);
    expect(b.other.next).toBe(a);
  });
});
