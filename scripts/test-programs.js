/** Programs that tests need and npm does not have: brought from Debian where that is allowed, otherwise named. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import process from 'node:process';

/** Program, its Debian package, and what is not tested without it. */
const PROGRAMS = [
  { program: 'openssl', debian: 'openssl', group: 'statements and keys made by openssl' },
  { program: 'mosquitto', debian: 'mosquitto', group: 'devices and the gateway on another broker' },
  { program: 'mosquitto_pub', debian: 'mosquitto-clients', group: 'statements published by mosquitto_pub' },
  { program: 'mosquitto_sub', debian: 'mosquitto-clients', group: 'statements received by mosquitto_sub' },
  { program: 'chromium', debian: 'chromium', group: 'src in a real browser' },
];
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];

/** Installs what is missing, when this is root on a Debian; says by name what will be skipped. */
export function installTestPrograms(say) {
  const packages = [...new Set(PROGRAMS.filter(isMissing).map(({ debian }) => debian))];
  if (packages.length > 0 && mayInstall()) {
    say(`installing for the tests: ${packages.join(', ')}`);
    if (!install(packages)) {
      aptGet(['update', '-qq']);
      install(packages);
    }
  }
  for (const { program, debian, group } of PROGRAMS.filter(isMissing))
    say(`WILL BE SKIPPED: ${group}. There is no ${program} here; Debian has it in the package ${debian}.`);
}

function isMissing({ program }) {
  return find(program) === undefined;
}

function find(program) {
  return FOLDERS.map((folder) => join(folder, program)).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function mayInstall() {
  return process.platform === 'linux' && process.getuid() === 0 && find('apt-get') !== undefined;
}

function install(packages) {
  return aptGet(['install', '-y', '-qq', '--no-install-recommends', ...packages]);
}

function aptGet(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(find('apt-get') ?? '', args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
