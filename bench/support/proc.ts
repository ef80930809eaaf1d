/** What Linux says of a process: the processor time it has used and the memory it holds. */
import { readFileSync } from 'node:fs';

/** Kernel ticks a second in /proc: USER_HZ, 100 on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

export interface CpuTime {
  /** Seconds in its own code. */
  readonly user: number;
  /** Seconds in the kernel on its behalf. */
  readonly system: number;
}

/** Processor time of a whole process, all threads, those that have ended too (proc(5), utime and stime). */
export function cpuTime(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The second field is the program's name in parentheses and may hold spaces; utime is the twelfth after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { user: Number(fields[11]) / TICKS_PER_SECOND, system: Number(fields[12]) / TICKS_PER_SECOND };
}

/** Seconds of processor time between two readings. */
export function cpuBetween(before: CpuTime, after: CpuTime): number {
  return after.user + after.system - before.user - before.system;
}

/** Memory of a process that lies in RAM, in megabytes of 1,000,000 bytes. */
export function residentMegabytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return (Number(line?.[1] ?? Number.NaN) * 1024) / 1e6;
}
