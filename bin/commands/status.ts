import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Command, EXIT, type Io, optionalText, text, UsageError, type Values } from '../cli.ts';
import { describeStatus, type Status } from '../describe-status.ts';
import { CONFIG_OPTION, configOf } from '../store-access.ts';

const TIMEOUT_MS = 10_000;

export const status: Command = {
  name: 'status',
  summary: 'Show what a running gateway is doing',
  options: {
    config: CONFIG_OPTION,
    url: {
      type: 'string',
      value: 'URL',
      description: 'HTTP interface of the gateway; by default as configured',
    },
    token: {
      type: 'string',
      value: 'FILE',
      description: 'file with a bearer token; by default admin-token beside the configuration',
    },
    json: { type: 'boolean', description: 'print JSON instead of text' },
  },
  async run(values, _positionals, io) {
    const url = optionalText(values, 'url') ?? configuredUrl(values, io);
    const tokenFile =
      optionalText(values, 'token') ?? join(dirname(resolve(text(values, 'config'))), 'admin-token');
    const answer = await ask(`${url}/v1/status`, readToken(tokenFile));
    io.out(values['json'] === true ? JSON.stringify(answer, null, 2) : describeStatus(answer));
    return EXIT.ok;
  },
};

function configuredUrl(values: Values, io: Io): string {
  const { host, port } = configOf(values, io).http;
  return `http://${host}:${port}`;
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UsageError(`--token: cannot read ${file}: ${(error as Error).message}`);
  }
}

async function ask(url: string, token: string): Promise<Status> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new Error(
      `no gateway answers at ${url}; is vitalseal serve running, and is http.port the one it was given?`,
    );
  }
  if (!response.ok)
    throw new Error(
      `the gateway at ${url} answered ${response.status}; does the token belong to it, with the role admin or auditor?`,
    );
  return (await response.json()) as Status;
}
