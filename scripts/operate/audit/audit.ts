import { canonicalText, sha256Of } from '../../../server/observers/predictionLog/canonical.ts';
import type { Surroundings, Tool } from '../../cli/tool.ts';
import { withUsage } from '../../cli/tool.ts';
import { isSystemError } from '../../cli/faults.ts';
import { showLine } from '../../cli/liveLine.ts';
import { readRows } from '../../models/readRows.ts';
import type { LookUp } from './check.ts';
import { check } from './check.ts';
import type { Options } from './options.ts';
import { USAGE, readOptions } from './options.ts';
import type { LogEntry } from './readLog.ts';
import { readLog } from './readLog.ts';
import type { Report } from './report.ts';
import { MAX_KEPT, describe, describeUnchecked, emptyReport } from './report.ts';
import { openRepository } from './repository.ts';
import type { Cells, Version, Versions } from './scorer.ts';
import { askServer } from './server.ts';

/** Records of one version that are scored together, and what they may take. */
const GROUP_RECORDS = 500;
const GROUP_CHARACTERS = 2 ** 20;
const MAX_PLACES = 20;

type RecordEntry = LogEntry & { readonly record: NonNullable<LogEntry['record']> };

/** Finds inputs by their hash among the rows of a file, read as the version takes them. */
async function lookUpIn(file: string | undefined, version: Version | undefined): Promise<LookUp> {
  if (file === undefined || !version) return () => undefined;
  const { columns, data } = await readRows(file, version.signature);
  const byHash = new Map(
    data.map((row) => {
      const cells: Cells = Object.fromEntries(columns.map((name, at) => [name, row[at]]));
      return [sha256Of(canonicalText(cells)), cells] as const;
    }),
  );
  return (hash) => byHash.get(hash);
}

/** Checks the records of all versions, a group at a time. */
function createAudit(versions: Versions, inputs: string | undefined, report: Report) {
  interface Group {
    readonly version: Version | undefined;
    readonly lookUp: LookUp;
    entries: RecordEntry[];
    size: number;
  }
  const groups = new Map<string, Promise<Group>>();
  const openGroup = async (model: string, sha256: string): Promise<Group> => {
    const version = await versions.find(model, sha256);
    return { version, lookUp: await lookUpIn(inputs, version), entries: [], size: 0 };
  };
  const finish = async (group: Group): Promise<void> => {
    const { entries } = group;
    group.entries = [];
    group.size = 0;
    const verdicts = await check(
      entries.map(({ record }) => record),
      group.version,
      group.lookUp,
    );
    entries.forEach(({ place, record }, at) => {
      const verdict = verdicts[at] as (typeof verdicts)[number];
      report[verdict.status]++;
      report.records++;
      if (verdict.status !== 'different' || report.differences.length === MAX_KEPT) return;
      const { requestId, row, time, model, sha256, output: logged } = record;
      const { reason, present } = verdict;
      report.differences.push({ requestId, row, time, model, sha256, place, reason, logged, present });
    });
  };
  return {
    add: async (entry: LogEntry): Promise<void> => {
      const { record, place, size } = entry;
      if (!record) {
        report.records++;
        report.unreadable++;
        if (report.unreadablePlaces.length < MAX_PLACES) report.unreadablePlaces.push(place);
        return;
      }
      const key = `${record.model} ${record.sha256}`;
      const opening = groups.get(key) ?? openGroup(record.model, record.sha256);
      groups.set(key, opening);
      const group = await opening;
      group.entries.push({ ...entry, record });
      group.size += size;
      if (group.entries.length >= GROUP_RECORDS || group.size >= GROUP_CHARACTERS) await finish(group);
    },
    finish: async (): Promise<void> => {
      for (const group of groups.values()) await finish(await group);
    },
    close: async (): Promise<void> => {
      for (const group of groups.values()) await (await group.catch(() => undefined))?.version?.close();
    },
  };
}

async function run(options: Options, report: Report, interrupt: AbortSignal): Promise<void> {
  const { logs, model, inputs, limit } = options;
  const versions = options.server
    ? askServer(options.server, interrupt)
    : await openRepository(options.repository);
  const audit = createAudit(versions, inputs, report);
  let read = 0;
  try {
    for (const log of logs) {
      for await (const entry of readLog(log, model)) {
        if (interrupt.aborted || read === limit) break;
        read++;
        await audit.add(entry);
      }
    }
    if (!interrupt.aborted) await audit.finish();
  } finally {
    report.interrupted = interrupt.aborted;
    await audit.close();
  }
}

const exitCode = (report: Report, allowUnchecked: boolean): number => {
  const { records, same, different, unreadable, interrupted } = report;
  if (different > 0 || unreadable > 0) return 1;
  if (interrupted) return 130;
  // A changed answer could otherwise be hidden by removing the input, the digest, or all records.
  return allowUnchecked || (same === records && records > 0) ? 0 : 1;
};

/** Scores the records of a prediction log again. */
export const audit: Tool = withUsage(
  USAGE,
  async (argv, { stdout, stderr, folder, interrupt }: Surroundings) => {
    const options = readOptions(argv, folder);
    const report = emptyReport();
    const endProgress = showLine(
      () => `${report.records} records checked, ${report.different} differ`,
      stderr,
    );
    try {
      await run(options, report, interrupt);
    } catch (error) {
      const isRefusal = ['Failure', 'ModelRefused', 'TaskFault'].includes((error as Error).name);
      if (!isRefusal && !isSystemError(error)) throw error;
      // An interrupt cut it off: that is no failure.
      if (!interrupt.aborted) {
        stderr.write(`${(error as Error).message}\n`);
        return 2;
      }
    } finally {
      endProgress();
    }
    stdout.write(options.json ? `${JSON.stringify(report)}\n` : describe(report));
    if (!options.allowUnchecked && !report.interrupted) stderr.write(describeUnchecked(report));
    return exitCode(report, options.allowUnchecked);
  },
);
