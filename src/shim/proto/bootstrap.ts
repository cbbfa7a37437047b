// SPDX-License-Identifier: Apache-2.0
import { field, message } from './codec.js';
import { Any } from './types.js';

/** `containerd.runtime.bootstrap.v1.Extension`. */
export const Extension = message({ value: field.message(1, Any) });

/** `containerd.runtime.bootstrap.v1.BootstrapParams`: stdin of `start` from containerd 2.3 on. */
export const BootstrapParams = message({
  instanceId: field.string(1),
  namespace: field.string(2),
  logLevel: field.int32(3),
  containerdVersion: field.string(4),
  containerdTtrpcAddress: field.string(5),
  containerdGrpcAddress: field.string(6),
  containerdBinary: field.string(7),
  extensions: field.messages(8, Extension),
  socketDir: field.string(9),
});

/** `containerd.types.RuntimeVersion`. */
export const RuntimeVersion = message({ version: field.string(1), revision: field.string(2) });

/** `containerd.types.RuntimeInfo`: stdout of `-info`. Annotations are not offered. */
export const RuntimeInfo = message({
  name: field.string(1),
  version: field.message(2, RuntimeVersion),
  options: field.message(3, Any),
  features: field.message(4, Any),
});
