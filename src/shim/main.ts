// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../common/errors.js';
import { parseArgs, type ShimArgs } from './args.js';

/** The shim's program: flags select `start`, `delete` or the daemon; each loads only its own code. */
async function main(args: ShimArgs): Promise<void> {
  switch (args.action) {
    case 'start':
      await (await import('./start.js')).start(args);
      return;
    case 'delete':
      await (await import('./delete.js')).deleteLeftovers(args);
      return;
    case 'serve':
      (await import('./serve.js')).serve(args);
      return;
    case 'standby': {
      const { compiled } = await import('../standby/compiled.js');
      const { standByForDaemons } = await compiled(() => import('./standby/stand-by.js'));
      await standByForDaemons(args.socket);
      return;
    }
    case 'version':
      (await import('./info.js')).printVersion();
      return;
    case 'info':
      (await import('./info.js')).printInfo((await import('./stdin.js')).readStdin());
      return;
  }
}

try {
  await main(parseArgs(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`containerd-shim-mvas-v1: ${ShimError.from(error).message}\n`);
  // A daemon listens from its first step on, and that would keep it.
  process.exit(1);
}
