// SPDX-License-Identifier: Apache-2.0
import type { PlanTable } from '../../../../plan/sequence.js';
import type { StagedFile } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import { checkRoom, planFinalSocketOptions } from '../../sockets/plan-options.js';
import type { Stage } from '../../stage.js';
import {
  areAlike,
  END_SIZE,
  hashOf,
  planRows,
  writtenBy,
  type End,
  type Ends,
} from './connection-rows.js';
import { planPair, planWaiting, plannedEnds, type PlannedEnd } from './connection-steps.js';
import { streamOf } from './streams.js';

/** Connections that are made by the same operations. */
interface Table extends PlanTable {
  readonly first: Ends;
}

/**
 * Connections within the container. Both ends are made in repair mode, without a packet, which needs neither a
 * listening socket nor a network that lets them pass; then each sends what the other had not read, and what was on
 * its way. Connections that differ only in their addresses and data are made by the same operations, row by row.
 */
export class LiveConnections {
  readonly #plan: PlanContext;
  readonly #tables: Table[] = [];

  constructor(plan: PlanContext) {
    this.#plan = plan;
  }

  /** Makes both ends of connections. Their last options are still to be set. */
  openPairs(pairs: readonly (readonly [StagedFile<'isk'>, StagedFile<'isk'>])[]): void {
    const shapes = new Shapes();
    for (const [first, second] of pairs) shapes.add([this.#endOf(first), this.#endOf(second)]);
    for (const connections of shapes.all) {
      this.#each(this.#tableOf(connections), (stage, [one, other]) => {
        if (one && other) planPair(stage, one, other);
      });
    }
  }

  /** Connects to a listening socket of the container, in which the connection then waits. Last options as above. */
  openWaiting(client: StagedFile<'isk'>): void {
    this.#each(this.#tableOf([[this.#endOf(client)]]), (stage, [end]) => {
      if (end) planWaiting(stage, end);
    });
  }

  /** Sets the last options of all. */
  finish(): void {
    for (const table of this.#tables) {
      this.#each(table, (stage, ends) => {
        for (const { entry, number } of ends) planFinalSocketOptions(stage, number, entry.opts);
      });
    }
  }

  #tableOf(connections: readonly Ends[]): Table {
    const { builder } = this.#plan.stage;
    for (const ends of connections) this.#checkRoom(ends);
    const [first] = connections;
    if (first === undefined) throw new RangeError('there are no connections of this shape');
    const data = planRows(builder, connections);
    const what = (row: number): string => describeEnd(connections[row]?.[0]);
    const table = { first, data, width: first.length * END_SIZE, what };
    this.#tables.push(table);
    return table;
  }

  #each(table: Table, plan: (stage: Stage, ends: readonly PlannedEnd[]) => void): void {
    const { stage } = this.#plan;
    const body = stage.builder.sequence('');
    plan(stage.withSequence(body), plannedEnds(table.first));
    body.end();
    stage.sequence.each(table, body);
  }

  #endOf({ body: entry, number }: StagedFile<'isk'>): End {
    const { stream, payload } = streamOf(this.#plan.index.image, entry);
    return { entry, number, stream, payload };
  }

  #checkRoom([one, other]: Ends): void {
    const { stage } = this.#plan;
    if (stage.mostBuffer === undefined) return;
    checkRoom(stage, describeEnd(one), writtenBy(one, other).length);
    if (other) checkRoom(stage, describeEnd(other), writtenBy(other, one).length);
  }
}

/** Connections, those together that are made by the same operations. */
class Shapes {
  readonly all: Ends[][] = [];
  readonly #byHash = new Map<number, Ends[][]>();

  add(ends: Ends): void {
    const hash = hashOf(ends);
    let alike = this.#byHash.get(hash);
    if (!alike) this.#byHash.set(hash, (alike = []));
    for (const shape of alike) {
      if (!shape[0] || !areAlike(shape[0], ends)) continue;
      shape.push(ends);
      return;
    }
    const shape = [ends];
    alike.push(shape);
    this.all.push(shape);
  }
}

function describeEnd(end: End | undefined): string {
  return `file ${String(end?.entry.id)}: connection on port ${String(end?.entry.src_port)}`;
}
