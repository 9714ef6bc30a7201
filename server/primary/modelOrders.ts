import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { Problem } from '../errors/problem.ts';
import { ModelRefused } from '../model/refused.ts';
import { freeMemory } from '../platform/memory.ts';
import { listModelFolder } from '../repository/folder.ts';
import type { Candidate } from '../repository/listing.ts';
import { nameFault } from '../repository/listing.ts';
import type { OrderModels } from '../rollout/messages.ts';
import type { Orders } from '../rollout/orders.ts';
import { BYTES_PER_MODEL_BYTE } from '../settings/models.ts';

async function findVersions(name: string, folder: string): Promise<Candidate[]> {
  if (!isAbsolute(folder))
    throw new Problem('invalid_body', { detail: 'The "url" must be the absolute path of a folder.' });
  const fault = nameFault(name);
  if (fault)
    throw new Problem('invalid_body', { detail: `The "model_name" is not accepted: ${fault.reason}.` });
  try {
    return await listModelFolder(folder, name);
  } catch (error) {
    if (!(error instanceof ModelRefused)) throw error;
    throw new Problem('model_not_found', { detail: `The model was not loaded: ${error.reason}.` });
  }
}

/**
 * Carries out the orders of clients and operators, with the files of models that the repository doesn't hold.
 *
 * @param maxModelBytes of the largest `model.onnx`
 * @param free bytes of memory
 */
export function createModelOrders(orders: Orders, maxModelBytes: number, free = freeMemory): OrderModels {
  /** @throws {Problem} insufficient_memory: what the server has might end with the load of one more */
  const requireMemory = async (versions: readonly Candidate[]): Promise<void> => {
    const sizes = versions.map(({ folder }) =>
      stat(join(folder, 'model.onnx')).then(
        ({ size }) => size,
        () => 0,
      ),
    );
    const largest = Math.max(0, ...(await Promise.all(sizes)));
    if (largest > maxModelBytes || largest * BYTES_PER_MODEL_BYTE > free())
      throw new Problem('insufficient_memory', {
        detail: `There is not enough memory to load the model: its file has ${largest} bytes.`,
      });
  };
  return async (order) => {
    switch (order.action) {
      case 'load':
        return orders.load(order);
      case 'unload':
        return orders.unload(order);
      case 'remove':
        return orders.remove(order.name);
      case 'add': {
        const versions = await findVersions(order.name, order.folder);
        await requireMemory(versions);
        return orders.add(versions);
      }
    }
  };
}
