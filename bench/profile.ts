/**
 * `node bench/profile.ts DIR [--top N] [--skip SECONDS]`: what the CPU profiles of all threads in a directory spent their time on, as a table by group
 * of modules and one by function. The profiles come from `npm run bench -- intake --cpu-prof DIR`.
 *
 * Groups follow from file paths (gateway/log, src/cbor, a package), so they outlive any rewriting. Native code has no path; it counts to the
 * file that called it, as "gateway/store, native". Time without work is left out; time in the kernel counts to whoever called it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** Time by name, and by thread within it. */
type Times = Map<string, number[]>;

const GROUPS_SHOWN = 24;
const US_PER_SECOND = 1e6;
const ROOT = join(import.meta.dirname, '..');
/** Packages that are one thing to a reader of the table. */
const PACKAGE_GROUPS: readonly (readonly [string, RegExp])[] = [
  ['mqtt', /^(aedes|mqtt|mqemitter|fastparallel|fastfall|fastseries|reusify|retimer|qlobber|hyperid|bl)/],
  ['http', /^(fastify|@fastify|find-my-way|avvio|light-my-request|ajv|undici)/],
  ['hashes and curves in JavaScript', /^@noble\//],
  ['logs and metrics', /^(pino|prom-client|sonic-boom|thread-stream)/],
];
const NODE_GROUPS: readonly (readonly [string, RegExp])[] = [
  ['node: sockets and streams', /^node:(net|stream|internal\/(streams|stream_base_commons|net|js_stream))/],
  ['node: buffers', /^node:(buffer|internal\/(buffer|encoding))/],
  ['node: crypto', /^node:(crypto|internal\/crypto)/],
  ['node: messages between threads', /^node:internal\/(worker|per_context\/messageport)/],
  ['node: timers, ticks and promises', /^node:(timers|internal\/(timers|process|async|event|abort))/],
];
const NOT_WORK = new Set(['(idle)', '(root)', 'atomicsWaitLoop']);
const SPECIAL: ReadonlyMap<string, string> = new Map([
  ['(garbage collector)', 'garbage collection'],
  ['(program)', 'event loop, and native code no function called'],
]);

/** The group of a file, or undefined for code without one. */
function groupOfFile(url: string): string | undefined {
  if (url.startsWith('node:'))
    return NODE_GROUPS.find(([, pattern]) => pattern.test(url))?.[0] ?? 'node: everything else';
  if (!url.startsWith('file:')) return url === '' ? undefined : 'other';
  const path = fileURLToPath(url).replace(`${ROOT}/`, '');
  const dependency = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  if (dependency !== undefined)
    return PACKAGE_GROUPS.find(([, pattern]) => pattern.test(dependency))?.[0] ?? `package ${dependency}`;
  const [part = '', module = ''] = path.split('/');
  return `${part}/${module.replace(/\.[jt]s$/, '')}`;
}

/** Adds the profile of one thread, the `thread`th of `threads`, without its first seconds. */
function addProfile(
  profile: Profile,
  [thread, threads, skipSeconds]: readonly [number, number, number],
  [groups, functions]: readonly [Times, Times],
): void {
  const names = nameNodes(profile.nodes);
  let elapsed = 0;
  for (const [at, id] of profile.samples.entries()) {
    const name = names.get(id);
    elapsed += profile.timeDeltas[at] ?? 0;
    if (name === undefined || elapsed < skipSeconds * US_PER_SECOND) continue;
    for (const [times, key] of [
      [groups, name.group],
      [functions, name.label],
    ] as const) {
      const byThread = times.get(key) ?? new Array<number>(threads).fill(0);
      byThread[thread] = (byThread[thread] as number) + (profile.timeDeltas[at] ?? 0);
      times.set(key, byThread);
    }
  }
}

/** Group and label of every node that is work. */
function nameNodes(nodes: readonly ProfileNode[]): Map<number, { group: string; label: string }> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const names = new Map<number, { group: string; label: string }>();
  const visit = (node: ProfileNode, caller: string): void => {
    const { functionName, url, lineNumber } = node.callFrame;
    const own = groupOfFile(url);
    const group = SPECIAL.get(functionName) ?? own ?? `${caller}, native`;
    const place = url === '' ? `native, for ${caller}` : `${shortPath(url)}:${lineNumber + 1}`;
    if (!NOT_WORK.has(functionName))
      names.set(node.id, { group, label: `${functionName || '(anonymous)'} (${place})` });
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined) visit(child, own ?? caller);
    }
  };
  const [root] = nodes;
  if (root !== undefined) visit(root, 'start');
  return names;
}

function shortPath(url: string): string {
  if (!url.startsWith('file:')) return url;
  return fileURLToPath(url)
    .replace(`${ROOT}/`, '')
    .replace(/.*node_modules\//, '');
}

function printTable(title: string, times: Times, threads: readonly string[], rows: number): void {
  const all = [...times].map(([name, byThread]) => ({ name, byThread, sum: sum(byThread) }));
  const total = sum(all.map((row) => row.sum));
  const share = (time: number): string => `${((100 * time) / total).toFixed(1)} %`;
  const shown = all.sort((a, b) => b.sum - a.sum).slice(0, rows);
  const width = Math.max(title.length, ...shown.map(({ name }) => name.length));
  const line = (cells: readonly string[]): void =>
    void process.stdout.write(
      `| ${cells.map((cell, at) => (at === 0 ? cell.padEnd(width) : cell.padStart(10))).join(' | ')} |\n`,
    );
  line([title, 'time', ...threads]);
  line(['-'.repeat(width), ...['time', ...threads].map(() => '---------:')]);
  for (const { name, byThread, sum: time } of shown) line([name, share(time), ...byThread.map(share)]);
  const rest = all.slice(rows);
  if (rest.length > 0)
    line([
      'the rest',
      share(sum(rest.map((row) => row.sum))),
      ...threads.map((_, at) => share(ofThread(rest, at))),
    ]);
  line(['all', `${Math.round(total / 1000)} ms`, ...threads.map((_, at) => share(ofThread(all, at)))]);
  process.stdout.write('\n');
}

function ofThread(rows: readonly { readonly byThread: readonly number[] }[], thread: number): number {
  return sum(rows.map(({ byThread }) => byThread[thread] ?? 0));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

const USAGE = `node bench/profile.ts DIR: tables of the CPU profiles in DIR
  --top N         functions shown (default 25)
  --skip SECONDS  leave out the beginning of every profile: starting, compiling, the first look at each device (default 0)
`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { top: { type: 'string', default: '25' }, skip: { type: 'string', default: '0' } },
});
const [directory] = positionals;
if (directory === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.cpuprofile'))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const [groups, functions]: [Times, Times] = [new Map(), new Map()];
  for (const [thread, file] of files.entries()) {
    const profile = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profile;
    addProfile(profile, [thread, files.length, Number(values.skip)], [groups, functions]);
  }
  // CPU.<date>.<time>.<pid>.<thread>.<count>.cpuprofile; the main thread is 0.
  const threads = files.map((file) => `${file.split('.')[3]} t${file.split('.')[4]}`);
  printTable('where', groups, threads, GROUPS_SHOWN);
  printTable('function', functions, threads, Number(values.top));
}
