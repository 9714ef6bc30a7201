import { GRPC_SERVICES, findFile, findFileOf } from './services.ts';
import { GRPC_CODES } from './status.ts';

/** A request for reflection in protobuf's JSON form. */
type ReflectionRequest = Readonly<Record<string, unknown>>;

const files = (found: Uint8Array | undefined): object =>
  found === undefined
    ? {
        error_response: {
          error_code: GRPC_CODES.NOT_FOUND,
          error_message: 'There is no such file or symbol.',
        },
      }
    : { file_descriptor_response: { file_descriptor_proto: [Buffer.from(found).toString('base64')] } };

function answerOf(request: ReflectionRequest): object {
  const { file_by_filename: name, file_containing_symbol: symbol } = request;
  if ('list_services' in request)
    return { list_services_response: { service: GRPC_SERVICES.map((service) => ({ name: service })) } };
  if (typeof name === 'string') return files(findFile(name));
  if (typeof symbol === 'string') return files(findFileOf(symbol));
  // proto3 has no extensions.
  if (typeof request['all_extension_numbers_of_type'] === 'string')
    return {
      all_extension_numbers_response: { base_type_name: request['all_extension_numbers_of_type'] },
    };
  return files(undefined);
}

/** Answers one message of server reflection, in either version, in protobuf's JSON form. */
export const answerReflection = (request: ReflectionRequest): object => ({
  valid_host: request['host'],
  original_request: request,
  ...answerOf(request),
});
