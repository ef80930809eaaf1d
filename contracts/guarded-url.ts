/** Anything shorter in a path or a query is a word like `rpc`, not a key. */
const MIN_KEY_CHARS = 8;

/**
 * An HTTP address with what it holds to log in with: user and password, and the API keys that hosted nodes put into
 * path and query.
 */
export class GuardedUrl {
  /** Scheme, host and port: all of it that may be shown. */
  readonly name: string;
  /** Without user and password, which fetch takes in no URL. */
  readonly href: string;
  /** These instead (RFC 7617). */
  readonly headers: Readonly<Record<string, string>>;
  readonly #secrets: readonly string[];

  /** @throws TypeError for what is no URL. */
  constructor(text: string) {
    const url = new URL(text);
    this.name = `${url.protocol}//${url.host}`;
    const login = loginOf(url);
    this.headers = login === undefined ? {} : { authorization: `Basic ${login}` };
    this.#secrets = secretsOf(url, login);
    url.username = '';
    url.password = '';
    this.href = url.href;
  }

  /** The text without what the address holds to log in with: who is asked may quote who asks. */
  conceal(text: string): string {
    return this.#secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text);
  }
}

function loginOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  return Buffer.from(`${decode(username)}:${decode(password)}`, 'utf8').toString('base64');
}

/** As they stand in the URL and as they are meant, longest first: one may be a part of another. */
function secretsOf(url: URL, login: string | undefined): string[] {
  const keys = [url.username, ...url.pathname.split('/'), ...url.search.slice(1).split(/[&=]/)];
  const secrets = [login ?? '', url.password, ...keys.filter((key) => key.length >= MIN_KEY_CHARS)];
  const spellings = secrets.filter((secret) => secret !== '').flatMap((secret) => [secret, decode(secret)]);
  return [...new Set(spellings)].sort((a, b) => b.length - a.length);
}

/** A lone percent sign is one. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
