/** Files of enrolments under way: what is hidden must be on its way, and what is on its way must be hidden. */
import type { FsckContext } from './context.ts';

interface Batch {
  readonly id: number;
  readonly size: number;
  readonly logged: number;
  readonly refused: number;
  readonly left: number;
  readonly hidden: number;
}

export function checkEnrolments({ db, findings }: FsckContext): void {
  const report = (what: string): void => findings.add('enrolments-wrong', what);
  const stray = db
    .prepare<[], { urn: string | null }>(
      `SELECT d.urn FROM arriving_devices a LEFT JOIN devices d ON d.id = a.device
       LEFT JOIN enrolment_batches b ON b.id = a.batch WHERE d.id IS NULL OR b.state IS NOT 'decided'`,
    )
    .all();
  for (const { urn } of stray)
    report(`${urn ?? 'a device that is not there'} is hidden, but no file that is being enrolled brings it`);
  const underWay = db
    .prepare<[], Batch>(
      `SELECT b.id, b.size, b.logged, b.refused,
         (SELECT count(*) FROM enrolment_items i WHERE i.batch = b.id AND i.line > b.logged_to) AS left,
         (SELECT count(*) FROM arriving_devices a WHERE a.batch = b.id) AS hidden
       FROM enrolment_batches b WHERE b.state = 'decided'`,
    )
    .all();
  for (const { id, size, logged, refused, left, hidden } of underWay) {
    if (logged + left !== size)
      report(`file ${id} of ${size} enrolments has ${logged} in the log and ${left} to go`);
    if (logged - refused !== hidden)
      report(`file ${id} has ${logged - refused} devices in the log, of which ${hidden} are hidden`);
  }
}
