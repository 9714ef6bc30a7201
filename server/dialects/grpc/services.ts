import type { DescMethod, JsonValue } from '@bufbuild/protobuf';
import { createFileRegistry, fromBinary, fromJson, toBinary, toJson } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Problem } from '../../errors/problem.ts';
import { DESCRIPTORS } from './descriptors.generated.ts';

const files = createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(DESCRIPTORS, 'base64')));
/** A method of a service, by its path: `/package.Service/Method`. */
export interface GrpcMethod {
  readonly path: string;
  readonly streams: boolean;
  readonly descriptor: DescMethod;
}

/** All methods that the .proto files describe. */
export const GRPC_METHODS: readonly GrpcMethod[] = [...files].flatMap((entry) =>
  entry.kind === 'service'
    ? entry.methods.map((descriptor) => ({
        path: `/${entry.typeName}/${descriptor.name}`,
        streams: descriptor.methodKind !== 'unary',
        descriptor,
      }))
    : [],
);

/** The names of the services. */
export const GRPC_SERVICES: readonly string[] = [...files].flatMap((entry) =>
  entry.kind === 'service' ? [entry.typeName] : [],
);

/** The error for bytes that are another message, or none. */
export const notTheMessage = (name: string, cause: unknown): Problem =>
  new Problem('invalid_body', { detail: `The bytes are not a valid ${name}.`, cause });

/**
 * Reads a request in protobuf's JSON form, with the names of the .proto file and defaults in place of absent fields.
 *
 * @throws {Problem} invalid_body
 */
export function readGrpcRequest({ descriptor }: GrpcMethod, message: Uint8Array): Record<string, JsonValue> {
  try {
    const options = { alwaysEmitImplicit: true, useProtoFieldName: true };
    return toJson(
      descriptor.input,
      fromBinary(descriptor.input, message, { readUnknownFields: false }),
      options,
    ) as Record<string, JsonValue>;
  } catch (cause) {
    throw notTheMessage(descriptor.input.name, cause);
  }
}

/** Writes an answer that is given in protobuf's JSON form. Members that the message doesn't have are left out. */
export const writeGrpcAnswer = ({ descriptor }: GrpcMethod, answer: unknown): Uint8Array =>
  toBinary(
    descriptor.output,
    fromJson(descriptor.output, answer as JsonValue, { ignoreUnknownFields: true }),
  );

/** The descriptor of the .proto file of this name. */
export function findFile(name: string): Uint8Array | undefined {
  const file = files.getFile(name);
  return file && toBinary(FileDescriptorProtoSchema, file.proto);
}

/** The descriptor of the .proto file that has a message, an enum, a service, or a method or field of one. */
export function findFileOf(symbol: string): Uint8Array | undefined {
  const found = files.get(symbol) ?? files.get(symbol.replace(/\.[^.]*$/, ''));
  return found && toBinary(FileDescriptorProtoSchema, found.file.proto);
}
