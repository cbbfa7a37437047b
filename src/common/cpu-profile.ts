// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { Session, type Profiler } from 'node:inspector';
import { join } from 'node:path';

const INTERVAL_US = 200;

/** Records what this process spends its time on. */
export interface CpuProfile {
  /** Ends the record, and writes it into the directory as PID.cpuprofile. Throws if that fails. */
  write(): void;
}

/** Starts to record what this process spends its time on. */
export function startCpuProfile(directory: string): CpuProfile {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  session.post('Profiler.start');
  return {
    write: () => {
      // The session runs in this thread, so the answer is there when post() returns.
      session.post('Profiler.stop', (_, { profile }: { profile: Profiler.Profile }) => {
        writeFileSync(
          join(directory, `${String(process.pid)}.cpuprofile`),
          JSON.stringify(profile),
        );
      });
    },
  };
}
