import { openModel } from '../../worker/openModel.ts';
import { allocateMemory } from '../inference/laneMemory.ts';
import { openTask } from '../inference/openTask.ts';
import { completeModel } from '../loading/completeModel.ts';
import { loadVersion } from '../loading/loadVersion.ts';
import { fingerprintOf } from '../repository/folder.ts';
import type { Candidate } from '../repository/listing.ts';
import type { Verdict } from '../rollout/openings.ts';

/**
 * Compares a version's fast path with the whole graph in ONNX Runtime, on the golden rows and the edge rows. Without a
 * fast path nothing is opened: the processes that serve the graph verify it themselves.
 *
 * @throws {ModelRefused} where its files are
 */
export async function verifyVersion(candidate: Candidate, maxModelBytes: number): Promise<Verdict> {
  const content = await fingerprintOf(candidate.folder);
  const version = await loadVersion({ candidate, compile: true, compare: true, maxModelBytes });
  if (typeof version.found === 'string') return { content, fastRefused: version.found };
  const model = await completeModel(candidate, version);
  try {
    const { scorer, refusal } = await openModel(openTask(model, allocateMemory(model), version.onnx));
    await scorer.close();
    return { content, ...(refusal !== undefined && { fastRefused: refusal }) };
  } catch (error) {
    // Also where only a made-up row failed: the processes open the graph, and judge it by its own rows.
    return { content, fastRefused: (error as Error).message };
  }
}
