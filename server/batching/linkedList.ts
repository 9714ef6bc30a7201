/** What the list keeps in its items, so that one can leave from the middle at once. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** A first-in, first-out list whose items can leave at any time, in constant time. */
export interface LinkedList<T> {
  readonly first: T | undefined;
  push(item: T): void;
  remove(item: T): void;
}

/** @param links which of an item's links this list uses: an item may be in several lists */
export function createLinkedList<T>(links: (item: T) => Linked<T>): LinkedList<T> {
  let first: T | undefined;
  let last: T | undefined;
  return {
    get first() {
      return first;
    },
    push: (item) => {
      const own = links(item);
      own.previous = last;
      own.next = undefined;
      if (last === undefined) first = item;
      else links(last).next = item;
      last = item;
    },
    remove: (item) => {
      const own = links(item);
      if (own.previous === undefined) first = own.next;
      else links(own.previous).next = own.next;
      if (own.next === undefined) last = own.previous;
      else links(own.next).previous = own.previous;
      own.previous = own.next = undefined;
    },
  };
}
