/** Programs that tests need and npm does not have: brought from Debian where that is allowed, otherwise named. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import process from 'node:process';

/** Program (or a file by its full path), its Debian package, and what is not tested without it. */
const PROGRAMS = [
  { program: 'openssl', debian: 'openssl', group: 'statements and keys made by openssl' },
  { program: 'mosquitto', debian: 'mosquitto', group: 'devices and the gateway on another broker' },
  { program: 'mosquitto_pub', debian: 'mosquitto-clients', group: 'statements published by mosquitto_pub' },
  { program: 'mosquitto_sub', debian: 'mosquitto-clients', group: 'statements received by mosquitto_sub' },
  {
    program: '/usr/lib/python3/dist-packages/paho/mqtt/client.py',
    debian: 'python3-paho-mqtt',
    group: 'statements published by paho for Python',
  },
  { program: 'paho_cs_pub', debian: 'paho.mqtt.c-examples', group: 'statements published by paho for C' },
  {
    program: 'paho_c_pub',
    debian: 'paho.mqtt.c-examples',
    group: 'statements published by paho for C, asynchronously',
  },
  {
    program: 'strace',
    debian: 'strace',
    group: 'failing and fatal system calls, and the order of fsync and PUBACK',
  },
  { program: 'cc', debian: 'gcc', also: ['libc6-dev'], group: 'system calls that fail after they were done' },
  {
    program: 'mkfs.ext4',
    debian: 'e2fsprogs',
    group: 'power cuts and read-only turns of a real file system',
  },
  { program: 'faketime', debian: 'faketime', group: 'jumps of the gateway’s clock' },
  {
    program: 'go',
    debian: 'golang-go',
    group: 'the log followed by the libraries of Go’s checksum database',
  },
  {
    program: '/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog/tlog.go',
    debian: 'golang-golang-x-mod-dev',
    group: 'the log followed by the libraries of Go’s checksum database',
  },
  { program: 'chromium', debian: 'chromium', group: 'src in a real browser' },
];
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];

/** Installs what is missing, when this is root on a Debian; says by name what will be skipped. */
export function installTestPrograms(say) {
  const packages = [
    ...new Set(PROGRAMS.filter(isMissing).flatMap(({ debian, also = [] }) => [debian, ...also])),
  ];
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
  if (isAbsolute(program)) return isThere(program, constants.R_OK) ? program : undefined;
  return FOLDERS.map((folder) => join(folder, program)).find((file) => isThere(file, constants.X_OK));
}

function isThere(file, mode) {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
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
