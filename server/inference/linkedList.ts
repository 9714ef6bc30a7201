/** The list's links, kept in its items: so an item leaves from the middle in constant time. */
export interface Linked<T> {
  previous: T | undefined;
  next: T | undefined;
}

/** A first-in, first-out list. */
export interface LinkedList<T> {
  readonly first: T | undefined;
  push(item: T): void;
  /** Inserts the item behind the last one that it doesn't precede, searching from the end. */
  insert(item: T, precedes: (other: T) => boolean): void;
  remove(item: T): void;
}

/** @param links which of an item's links this list uses: an item may be in several lists */
export function createLinkedList<T>(links: (item: T) => Linked<T>): LinkedList<T> {
  let first: T | undefined;
  let last: T | undefined;
  const putBehind = (item: T, previous: T | undefined): void => {
    const own = links(item);
    own.previous = previous;
    own.next = previous === undefined ? first : links(previous).next;
    if (own.next === undefined) last = item;
    else links(own.next).previous = item;
    if (previous === undefined) first = item;
    else links(previous).next = item;
  };
  return {
    get first() {
      return first;
    },
    push: (item) => putBehind(item, last),
    insert: (item, precedes) => {
      let previous = last;
      while (previous !== undefined && precedes(previous)) previous = links(previous).previous;
      putBehind(item, previous);
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
