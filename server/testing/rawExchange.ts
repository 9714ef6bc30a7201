import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { withDeadline } from './withDeadline.ts';

/** A connection on which a test writes bytes as it likes. */
export interface RawConnection {
  readonly socket: Socket;
  write(bytes: string): void;
  /** Everything received, once it holds `text`. */
  received(text: string): Promise<string>;
  /** Everything received, once the other side has closed. */
  closed(): Promise<string>;
}

export async function openRaw(path: string): Promise<RawConnection> {
  const socket = connect(path);
  let all = '';
  socket.setEncoding('utf8');
  // A refused upload ends in a reset; what was received before it still counts.
  socket.on('error', () => undefined);
  socket.on('data', (text: string) => (all += text));
  const end = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await withDeadline('the connection', once(socket, 'connect'));
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    received: async (text) => {
      const arrived = new Promise<void>((resolve) => {
        const look = (): void => void (all.includes(text) && resolve());
        socket.on('data', look);
        look();
      });
      await withDeadline(`an answer with ${JSON.stringify(text)}`, arrived);
      return all;
    },
    closed: async () => {
      await withDeadline('the end of the connection', end);
      return all;
    },
  };
}
