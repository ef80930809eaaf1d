/** What happens to a simulated device, as it happens. */
import type { Beacon } from '../src/statement.ts';
import type { Answer, ResendRange } from './messages.ts';
import type { StatementNumber } from './state/acknowledgements.ts';

export type DeviceEvent =
  | { readonly kind: 'connected' | 'disconnected' }
  /** There is no connection, and why, in words for people. */
  | { readonly kind: 'trouble'; readonly reason: string }
  | ({ readonly kind: 'recorded' | 'sent' | 'acknowledged' } & StatementNumber)
  | ({ readonly kind: 'answer' } & Answer)
  | { readonly kind: 'resend-requested'; readonly ranges: readonly ResendRange[] }
  | { readonly kind: 'beacon'; readonly beacon: Beacon };
