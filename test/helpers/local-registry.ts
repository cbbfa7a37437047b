// SPDX-License-Identifier: Apache-2.0
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { run } from './run.js';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** `/v2/NAME/manifests/TAG`, `/v2/NAME/blobs/sha256:...` (distribution-spec, pulling). */
const PATH = /^\/v2\/[\w/.-]+\/(manifests|blobs)\/([\w.:-]+)$/;

/** Serves image archives to containerd on a loopback port, for clients that insist on pulling. */
export class LocalRegistry {
  readonly #directory: string;
  readonly #tags = new Map<string, string>();
  readonly #server: Server;

  private constructor(directory: string) {
    this.#directory = directory;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  /** Unpacks archives below `parent`, and serves them. The caller closes it. */
  static async start(parent: string, archives: readonly string[]): Promise<LocalRegistry> {
    const registry = new LocalRegistry(await mkdtemp(join(parent, 'registry-')));
    for (const archive of archives) await registry.#add(archive);
    await new Promise<void>((resolve) => {
      registry.#server.listen(0, '127.0.0.1', resolve);
    });
    return registry;
  }

  /** An image's name in this registry. containerd uses plain HTTP for registries on a loopback address. */
  nameOf(image: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `127.0.0.1:${String(port)}/${withoutHost(image)}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #add(archive: string): Promise<void> {
    await run('tar', ['-x', '-f', archive, '-C', this.#directory]);
    const index = JSON.parse(await readFile(join(this.#directory, 'index.json'), 'utf8')) as {
      manifests: { digest: string; annotations: Record<string, string> }[];
    };
    for (const { digest, annotations } of index.manifests) {
      this.#tags.set(withoutHost(annotations['io.containerd.image.name'] ?? ''), digest);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request;
    const url = (request.url ?? '').replace(/\?.*$/, '');
    const [, kind, reference = ''] = PATH.exec(url) ?? [];
    const image = url.slice('/v2/'.length).replace(/\/manifests\//, ':');
    const digest = reference.startsWith('sha256:') ? reference : this.#tags.get(image);
    const file = join(this.#directory, 'blobs', (digest ?? '-').replace(':', '/'));
    if (digest === undefined || !existsSync(file)) {
      response.writeHead(url === '/v2/' ? 200 : 404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': kind === 'manifests' ? MANIFEST : 'application/octet-stream',
      'content-length': (await stat(file)).size,
      'docker-content-digest': digest,
    });
    if (method === 'HEAD') response.end();
    else createReadStream(file).pipe(response);
  }
}

function withoutHost(image: string): string {
  return image.replace(/^[^/]+\//, '');
}
