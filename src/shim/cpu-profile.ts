// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { join } from 'node:path';

const INTERVAL_US = 200;

/** What records where the time of this process goes. */
export interface CpuProfile {
  /** Ends the record, and writes it into the directory as PID.cpuprofile. Throws what writing it throws. */
  write(): void;
}

/** Begins to record where the time of this process goes. */
export function startCpuProfile(directory: string): CpuProfile {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  session.post('Profiler.start');
  return {
    write: () => {
      // The session is with this thread, so the answer has come when post() returns.
      session.post('Profiler.stop', (_, { profile }: { profile: Profiler.Profile }) => {
        writeFileSync(
          join(directory, `${String(process.pid)}.cpuprofile`),
          JSON.stringify(profile),
        );
      });
    },
  };
}
