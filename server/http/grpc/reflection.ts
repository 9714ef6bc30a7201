import type { IncomingMessage } from 'node:http';
import type { Framed } from '../../dialects/grpc/frame.ts';
import { takeFrame, writeFrame } from '../../dialects/grpc/frame.ts';
import { answerReflection } from '../../dialects/grpc/reflection.ts';
import type { GrpcMethod } from '../../dialects/grpc/services.ts';
import { readGrpcRequest, writeGrpcAnswer } from '../../dialects/grpc/services.ts';
import { Problem, toProblem } from '../../errors/problem.ts';
import { invalidBody } from '../../dialects/forms/json.ts';
import { answerHeaders } from '../answerHeaders.ts';
import { tooLarge } from '../body.ts';
import type { Handler } from '../context.ts';
import { okHeaders } from './answer.ts';
import { requireGrpc, unpack } from './message.ts';

/** A question names one file or symbol. */
const MAX_BYTES = 64 * 1024;
const MOST_MESSAGES = 16;
/** Streams of a process at once: they aren't counted by the limit of requests, since a client may leave them idle. */
const MOST_STREAMS = 32;
const FIRST_MESSAGE_MS = 5000;

/**
 * Collects the messages of a stream that have arrived: at least one, unless the stream ends before. The client may leave
 * the stream open until it has an answer.
 *
 * @throws {Problem} invalid_body, body_too_large, request_timeout, or bad_request if the client disconnects
 */
function readArrived(incoming: IncomingMessage): Promise<Framed[]> {
  return new Promise((resolve, reject) => {
    // No event will come.
    if (incoming.destroyed) {
      reject(new Problem('bad_request'));
      return;
    }
    const frames: Framed[] = [];
    let rest: Buffer = Buffer.alloc(0);
    let bytes = 0;
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('close', onClose);
      settle();
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) {
        finish(() => reject(tooLarge()));
        return;
      }
      rest = Buffer.concat([rest, chunk]);
      try {
        for (let taken = takeFrame(rest); taken; taken = takeFrame(rest)) {
          if (frames.length === MOST_MESSAGES)
            throw invalidBody(`A stream may have ${MOST_MESSAGES} messages: open another one.`);
          frames.push(taken.framed);
          rest = taken.rest;
        }
      } catch (error) {
        finish(() => reject(toProblem(error)));
        return;
      }
      if (frames.length > 0 && rest.length === 0) finish(() => resolve(frames));
    };
    const onEnd = (): void =>
      finish(() =>
        rest.length === 0 ? resolve(frames) : reject(invalidBody('The stream ends within a message.')),
      );
    const onClose = (): void => finish(() => reject(new Problem('bad_request')));
    const timer = setTimeout(() => finish(() => reject(new Problem('request_timeout'))), FIRST_MESSAGE_MS);
    incoming.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

/**
 * `ServerReflectionInfo`: answers the messages that have arrived, and ends the stream. A client with another question opens
 * the next one.
 */
export function grpcReflection(method: GrpcMethod): Handler {
  let streams = 0;
  return async (c) => {
    requireGrpc(c);
    const { incoming } = c.env;
    if (!incoming) throw new Problem('not_found');
    if (streams === MOST_STREAMS) throw new Problem('overloaded');
    streams++;
    let frames: Framed[];
    try {
      frames = await readArrived(incoming);
    } finally {
      streams--;
    }
    const answers: Buffer[] = [];
    for (const framed of frames) {
      const request = readGrpcRequest(method, await unpack(c, framed, MAX_BYTES));
      answers.push(writeFrame(writeGrpcAnswer(method, answerReflection(request))));
    }
    return new Response(Buffer.concat(answers), { headers: okHeaders(answerHeaders(c)) });
  };
}
