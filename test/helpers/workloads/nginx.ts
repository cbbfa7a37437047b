// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../src/common/errors.js';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { httpGet } from '../netns-connection.js';
import { innerPid, processTree } from '../procfs.js';
import type { Observation, Workload } from './workload.js';

const PORT = 8080;
const WORKERS = 2;

// The counters of stub_status live in memory that master and workers share.
const CONFIG = `daemon off;
user www-data;
worker_processes ${String(WORKERS)};
pid /run/nginx.pid;
error_log stderr;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  server {
    listen 127.0.0.1:${String(PORT)};
    root /srv;
    location = /status { stub_status; }
    location = /worker { default_type text/plain; return 200 "$pid"; }
  }
}
`;
const PAGE = `${'mvas '.repeat(2000)}\n`;

async function observe(pid: number): Promise<Observation> {
  if ((await httpGet(pid, PORT, '/page.txt')) !== PAGE) {
    throw new ShimError(
      'dataLoss',
      `nginx of pid ${String(pid)} serves another page than it was given`,
    );
  }
  const status = await httpGet(pid, PORT, '/status');
  const [accepted = '', , requests = ''] = status.split('\n')[2]?.trim().split(/\s+/) ?? [];
  const pids = (await Promise.all((await processTree(pid)).map(innerPid))).sort((a, b) => a - b);
  const worker = Number(await httpGet(pid, PORT, '/worker'));
  if (!pids.includes(worker)) {
    throw new ShimError(
      'dataLoss',
      `nginx answers by worker ${String(worker)}, which is none of its processes`,
    );
  }
  return {
    birth: pids.join(' '), // a worker that died is replaced by one with another pid
    progress: { accepted: Number(accepted), requests: Number(requests) },
  };
}

/** nginx: a master as root and two workers as www-data, with shared memory and a listening socket. */
export const NGINX: Workload = {
  name: 'nginx',
  image: 'mvas.test/nginx:1',
  processes: 1 + WORKERS,
  observe,
  archive: async () => {
    const rootfs = new RootFilesystem();
    await rootfs.binary('/usr/sbin/nginx');
    rootfs.content('etc/nginx/nginx.conf', CONFIG);
    rootfs.content('srv/page.txt', PAGE);
    for (const directory of ['var/log/nginx', 'var/lib/nginx', 'usr/share/nginx']) {
      rootfs.directory(directory);
    }
    const args = ['/usr/sbin/nginx', '-c', '/etc/nginx/nginx.conf'];
    return await imageArchive('mvas.test/nginx:1', rootfs, { args });
  },
};
