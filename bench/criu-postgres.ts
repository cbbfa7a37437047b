// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { packagedApp } from '../test/helpers/apps/app.js';
import { until } from '../test/helpers/run.js';
import { checkpoint, restoreOne } from './criu-clones.js';
import { median } from './figures.js';
import type { PostgresForks } from './postgres-work.js';
import { RuncContainers } from './runc-containers.js';

const AS_POSTGRES = ['setpriv', '--reuid', 'postgres', '--regid', 'postgres', '--init-groups'];
/** As examples/postgres-per-test.sh has them. */
const START = `install -d -o postgres /run/postgresql && exec ${AS_POSTGRES.join(' ')} \
  /usr/lib/postgresql/15/bin/postgres -D /var/lib/postgresql/15/main \
  -c config_file=/etc/postgresql/15/main/postgresql.conf -c ssl=off`;
const LOAD = `CREATE TABLE account AS SELECT id, 100 AS balance FROM generate_series(1, 100000) id;
  ALTER TABLE account ADD PRIMARY KEY (id)`;
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'];

/**
 * The same by `runc restore` from one checkpoint in tmpfs, one after the other. A root filesystem for each, which would have
 * to be copied, is not counted: all have the same.
 */
export async function restorePostgres(
  criuDirectory: string,
  tests: number,
): Promise<PostgresForks> {
  const archive = await packagedApp('postgresql').archive();
  const capabilities = CAPABILITIES.map((name) => `CAP_${name}`);
  const containers = await RuncContainers.open(criuDirectory, { archive, capabilities });
  try {
    const id = await containers.bundle('postgres', ['/bin/sh', '-c', START]);
    await containers.start(id);
    await until('PostgreSQL to answer', async () => {
      await query(containers, id, 'SELECT 1');
      return true;
    });
    await query(containers, id, LOAD);
    const image = join(containers.directory, 'image');
    await checkpoint(containers, id, image);
    await containers.remove(id);
    const allMs: number[] = [];
    for (let test = 0; test < tests; test++) {
      const { id: restored, ms } = await restoreOne(
        containers,
        await containers.bundle('test'),
        image,
      );
      allMs.push(Math.round(ms));
      await containers.remove(restored);
    }
    return { medianMs: median(allMs), allMs };
  } finally {
    await containers.close();
  }
}

async function query(containers: RuncContainers, id: string, sql: string): Promise<void> {
  await containers.runc(['exec', id, ...AS_POSTGRES, 'psql', '-XAtqc', sql]);
}
