// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { GrpcService } from './grpc.js';
import { methodsOf, type Surroundings } from './methods.js';
import { claimSocket, type Listening } from './socket.js';
import { SnapshotWatch } from './watch.js';

/** The service on its socket. */
export class Service {
  readonly #grpc: GrpcService;
  readonly #listening: Listening;

  private constructor(grpc: GrpcService, listening: Listening) {
    this.#grpc = grpc;
    this.#listening = listening;
    listening.server.on('connection', (socket) => {
      grpc.accept(socket);
    });
  }

  /** `root`: the directory of VASes. @throws ShimError `alreadyExists` */
  static async start(
    path: string,
    { root, ...rest }: Omit<Surroundings, 'watch'> & { readonly root: string },
  ): Promise<Service> {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const watch = new SnapshotWatch(root, rest.context.openStore);
    const grpc = new GrpcService(methodsOf({ ...rest, watch }));
    return new Service(grpc, await claimSocket(path));
  }

  /** Ends it. May be called again, with less patience. */
  async end(graceMs: number): Promise<void> {
    this.#listening.server.close();
    this.#listening.unlink();
    await this.#grpc.end(graceMs);
  }
}
