/** What the demonstration claims, and whether it held. Nothing is claimed that was not looked at from outside. */

export interface Claim {
  readonly name: string;
  readonly held: boolean;
  /** What was seen: the numbers behind the claim, or what broke it. */
  readonly seen: string;
}

export class Claims {
  readonly #claims: Claim[] = [];
  readonly #onClaim: (claim: Claim) => void;

  constructor(onClaim: (claim: Claim) => void) {
    this.#onClaim = onClaim;
  }

  claim(name: string, held: boolean, seen: string): void {
    const claim = { name, held, seen };
    this.#claims.push(claim);
    this.#onClaim(claim);
  }

  get all(): readonly Claim[] {
    return this.#claims;
  }

  get allHeld(): boolean {
    return this.#claims.length > 0 && this.#claims.every(({ held }) => held);
  }
}
