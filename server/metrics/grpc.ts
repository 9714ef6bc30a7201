import type { Registry } from 'prom-client';
import { createCounter, memo } from './families.ts';

/** Counts answered calls. Both labels are from closed sets. */
export type CountGrpcCall = (method: string, code: string) => void;

/** The gRPC family of one process. */
export function createGrpcCounter(registry: Registry): CountGrpcCall {
  const requests = createCounter(registry, { name: 'grpc_requests_total', help: 'Answered gRPC calls.' });
  const seriesOf = memo((method: string) => memo((code: string) => requests({ method, code })));
  return (method, code) => seriesOf(method)(code).add(1);
}
