// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { Place } from '../../containerd/index.js';
import { withApi } from '../containerd.js';
import type { CliContext } from '../context.js';
import { lifeRequestOf } from '../life-options.js';
import { differenceOf } from '../work/diff.js';
import { forkSource } from '../work/fork.js';
import { inspectAll } from '../work/inspect.js';
import { listAll } from '../work/list.js';
import { pruneSnapshots } from '../work/prune.js';
import { removeAll } from '../work/remove.js';
import { readForest } from '../work/tree.js';
import * as mapping from './mapping.js';
import * as messages from './messages/service.js';
import { stream, unary, type Call, type Method } from './method.js';
import type { SnapshotWatch } from './watch.js';

/** What the methods of the service work with. */
export interface Surroundings {
  readonly context: Pick<CliContext, 'openStore' | 'openKernel' | 'now'>;
  /** Where calls work that name no namespace. */
  readonly place: Place;
  readonly watch: SnapshotWatch;
}

/** The methods of the service mvas.v1.Mvas, by their names. */
export function methodsOf(surroundings: Surroundings): Readonly<Record<string, Method>> {
  const { context } = surroundings;
  return {
    Snapshot: stream(messages.SnapshotRequest, messages.SnapshotResponse, (request, call) =>
      snapshot(surroundings, request, call),
    ),
    Fork: stream(messages.ForkRequest, messages.ForkResponse, (request, call) =>
      fork(surroundings, request, call),
    ),
    Rollback: stream(messages.RollbackRequest, messages.RollbackResponse, (request, call) =>
      rollback(surroundings, request, call),
    ),
    List: unary(messages.ListRequest, messages.ListResponse, async ({ namespace }) => {
      const entries = await listAll(await context.openStore());
      const chosen = entries.filter(({ snapshot: record }) => isOf(record, namespace));
      return { vases: chosen.map(mapping.vasMessage) };
    }),
    Inspect: unary(messages.InspectRequest, messages.InspectResponse, async ({ ids }) => {
      const found = await inspectAll(await context.openStore(), named(ids));
      return { vases: found.map(mapping.detailsMessage) };
    }),
    Remove: stream(messages.RemoveRequest, messages.RemoveResponse, (request, call) =>
      remove(surroundings, request, call),
    ),
    Prune: stream(messages.PruneRequest, messages.PruneResponse, (request, call) =>
      prune(surroundings, request, call),
    ),
    Tree: unary(messages.TreeRequest, messages.TreeResponse, ({ namespace }) =>
      withApi(placeFor(surroundings.place, namespace), async (api) => ({
        nodes: mapping.nodeMessages(await readForest(api)),
      })),
    ),
    Diff: stream(messages.DiffRequest, messages.DiffResponse, (request, call) =>
      diff(surroundings, request, call),
    ),
    Watch: stream(
      messages.WatchRequest,
      messages.WatchResponse,
      (request, call) => watch(surroundings, request, call),
      { isEndless: true },
    ),
  };
}

async function snapshot(
  { context, place }: Surroundings,
  { containerId, name, noRootfs, namespace, ttl, lease, share, series }: messages.SnapshotRequest,
  { signal, tell }: Call<Partial<messages.SnapshotResponse>>,
): Promise<void> {
  const { takeSnapshot } = await import('../../containerd/index.js');
  const request = { containerId: needed('container_id', containerId), name, rootfs: !noRootfs };
  const life = lifeRequestOf({ ttl: given(ttl), lease: given(lease) });
  const record = await withApi(placeFor(place, namespace), (api) =>
    takeSnapshot(api, {
      ...{ ...request, life, shared: share, isOfSeries: series, signal },
      onStage: (stage) => {
        tell(mapping.stageMessage(stage));
      },
    }),
  );
  if (signal.aborted) {
    // Nobody will hear of it.
    const store = await context.openStore();
    await store.remove(record.id, { force: true, cascade: false, doomed: new Set() });
  }
  tell({ snapshot: mapping.snapshotMessage(record) });
}

async function fork(
  { place }: Surroundings,
  { namespace, ...request }: messages.ForkRequest,
  { signal, tell }: Call<Partial<messages.ForkResponse>>,
): Promise<void> {
  const wanted = mapping.forkingOf({ ...request, namespace });
  needed('source', wanted.source);
  await withApi(placeFor(place, namespace), (api) =>
    forkSource(api, {
      ...{ ...wanted, signal },
      onStage: (stage) => {
        tell(mapping.stageMessage(stage));
      },
      onClone: (clone) => {
        tell(mapping.cloneMessage(clone));
      },
    }),
  );
}

async function rollback(
  { place }: Surroundings,
  { containerId, snapshot: wanted, noRootfs, namespace }: messages.RollbackRequest,
  { signal, tell }: Call<Partial<messages.RollbackResponse>>,
): Promise<void> {
  const { rollBack } = await import('../../containerd/index.js');
  const done = await withApi(placeFor(place, namespace), (api) =>
    rollBack(api, {
      containerId: needed('container_id', containerId),
      snapshot: wanted === '' ? undefined : wanted,
      rootfs: !noRootfs,
      signal,
      onStage: (stage) => {
        tell(mapping.stageMessage(stage));
      },
    }),
  );
  const {
    snapshot: { id: snapshotId, name: snapshotName },
    pid,
    standstillMs,
  } = done;
  tell({ done: { snapshotId, snapshotName, pid, standstillMs } });
}

async function remove(
  { context }: Surroundings,
  { ids, force, cascade }: messages.RemoveRequest,
  { signal, tell }: Call<Partial<messages.RemoveResponse>>,
): Promise<void> {
  await removeAll(context, {
    ...{ ids: named(ids), force, cascade, signal },
    tell: ({ removed, failed }) => {
      tell({ removed, failed: failed.map(({ id, ...why }) => mapping.failureMessage(id, why)) });
    },
  });
}

async function prune(
  { context, place }: Surroundings,
  request: messages.PruneRequest,
  { signal, tell }: Call<Partial<messages.PruneResponse>>,
): Promise<void> {
  const store = await context.openStore();
  const {
    needed: kept,
    failed,
    removed,
  } = await withApi(placeFor(place, request.namespace), (api) =>
    pruneSnapshots(api, store, {
      ...mapping.limitsOf(request),
      ...{ isDry: request.dryRun, now: context.now(), signal },
      tell: (gone) => {
        if (!request.dryRun) tell({ removed: gone });
      },
    }),
  );
  tell({ needed: kept, failed, ...(request.dryRun && { removed }) });
}

async function diff(
  { place }: Surroundings,
  { first, second, noRootfs, namespace }: messages.DiffRequest,
  { signal, tell }: Call<Partial<messages.DiffResponse>>,
): Promise<void> {
  const request = { first: needed('first', first), second: given(second), rootfs: !noRootfs };
  const difference = await withApi(placeFor(place, namespace), (api) =>
    differenceOf(api, {
      ...{ ...request, signal },
      onStage: (stage) => {
        tell(mapping.stageMessage(stage));
      },
    }),
  );
  tell({ done: mapping.differencesMessage(difference) });
}

async function watch(
  { watch: snapshots }: Surroundings,
  { namespace }: messages.WatchRequest,
  { signal, tell }: Call<Partial<messages.WatchResponse>>,
): Promise<void> {
  await snapshots.follow(signal, ({ change, vas }) => {
    if (isOf(vas.snapshot, namespace)) tell({ change, vas: mapping.vasMessage(vas) });
  });
}

function placeFor(place: Place, namespace: string): Place {
  return namespace === '' ? place : { ...place, namespace };
}

/** Whether something belongs to a namespace; all does to the empty one. */
function isOf(record: { readonly owner: string } | undefined, namespace: string): boolean {
  return namespace === '' || record?.owner === namespace;
}

/** An empty string is what protobuf makes of a field that is not set. */
function given(value: string): string | undefined {
  return value === '' ? undefined : value;
}

function needed(field: string, value: string): string {
  if (value !== '') return value;
  throw new ShimError('invalidArgument', `${field} is empty`);
}

function named(ids: readonly string[]): readonly string[] {
  if (ids.length > 0 && !ids.includes('')) return ids;
  throw new ShimError('invalidArgument', 'ids: none, or an empty one');
}
