// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from 'node:path';
import { badImage } from '../../../../common/errors.js';
import { SYS } from '../../../../native/sys.js';
import type { GhostFile } from '../../../image/ghost.js';
import type { FileEntry, RegFileEntry } from '../../../image/types.js';
import type { PlanData, Slot } from '../../../plan/values.js';
import { AT_REMOVEDIR, O, S_IF } from '../../../../native/abi/index.js';
import { SharedFolders, type Folders } from '../names/folders.js';
import { planContent, planFileAttributes } from './inode-attributes.js';
import { openFlags } from '../open-flags.js';
import { checkPath } from '../names/path.js';
import type { PlanContext } from '../plan-context.js';
import type { Stage } from '../stage.js';
import { cPath } from '../system.js';

const RENAME_NOREPLACE = 1;

/** An open file on a deleted one, and the number of its descriptor. */
interface End {
  readonly number: number;
  readonly flags: number;
}

/** A deleted file while it has a name. */
interface Named {
  readonly what: string;
  readonly type: number;
  /** Numbers of the descriptors on its folder: as the container sees it, and where names can be created in it. */
  readonly folder: number;
  readonly maker: number;
  /** Its temporary name. */
  readonly name: PlanData;
}

/**
 * Creates deleted files again. Each has a name that nobody can guess, and only for the duration of a few calls that
 * depend on nothing else; while it has the name it is empty and belongs to us. So a restore that ends at any point
 * shows none of its content to anyone.
 */
export class GhostPlan {
  readonly #plan: PlanContext;
  readonly #stage: Stage;
  readonly #folders: Folders;
  readonly #renamed: Slot;
  /** Those to be opened by name, since a link of /proc cannot be followed with O_NOFOLLOW; by remap id. */
  readonly #byName = new Map<number, End[]>();
  /** Numbers of the descriptors (O_PATH) on the created files, by remap id. */
  readonly #made = new Map<number, number>();

  constructor(plan: PlanContext) {
    this.#plan = plan;
    this.#stage = plan.stage;
    this.#folders = plan.shared(SharedFolders).folders;
    this.#renamed = plan.builder.slot();
    for (const [id, number] of plan.numbers) this.#add(plan.index.file(id), number);
    plan.atEnd(() => {
      for (const made of this.#made.values()) this.#stage.close(made);
    });
  }

  /**
   * The number of a descriptor (O_PATH) through which the file of an entry can be opened while files are being
   * opened; undefined if it was not deleted. Those with O_NOFOLLOW are open by then.
   */
  openFor(entry: RegFileEntry): number | undefined {
    const remap = this.#plan.index.remaps.get(entry.id);
    if (remap === undefined) return undefined;
    checkPath(entry.id, entry.name);
    return this.#open(remap, this.ghost(remap), entry.name);
  }

  /** A deleted file by its remap id. */
  ghost(remap: number): GhostFile {
    const ghost = this.#plan.index.image.ghosts.get(remap);
    return ghost ?? badImage(`deleted file ${String(remap)} is missing`);
  }

  #add({ id, reg }: FileEntry, number: number): void {
    const remap = this.#plan.index.remaps.get(id);
    if (!reg || remap === undefined || (reg.flags & O.nofollow) === 0) return;
    const known = this.#byName.get(remap) ?? [];
    this.#byName.set(remap, [...known, { number, flags: openFlags(reg) }]);
  }

  #open(remapId: number, ghost: GhostFile, name: string): number {
    const known = this.#made.get(remapId);
    if (known !== undefined) return known;
    const where = dirname(name);
    const own = this.#stage.names.take();
    const file: Named = {
      what: `make deleted file ${name} again`,
      type: ghost.entry.mode & S_IF.mask,
      folder: this.#folders.open(remapId, where),
      maker: this.#folders.writable(remapId, where),
      name: this.#data(own),
    };
    this.#stage.removeLeft(file.maker, own);
    const number = this.#create(file);
    const anchor = this.#stage.reserve();
    this.#made.set(remapId, anchor);
    this.#openAt(file.what, anchor, file, O.path | O.nofollow);
    for (const end of this.#byName.get(remapId) ?? []) {
      this.#openAt(file.what, end.number, file, end.flags);
    }
    this.#removeName(file, basename(name));
    this.#fill(file, number, ghost);
    this.#stage.close(number);
    return anchor;
  }

  /** Creates an empty file, FIFO or directory that nobody else can open, and opens it for its owner. */
  #create({ what, type, maker, name }: Named): number {
    const stage = this.#stage;
    const number = stage.reserve();
    const open = (flags: number): void => {
      stage.make(what, number, SYS.openat, [maker, name, flags | O.nofollow | O.cloexec, 0o600]);
    };
    if (type === S_IF.reg) {
      open(O.creat | O.excl | O.rdwr);
    } else if (type === S_IF.dir) {
      stage.run(what, SYS.mkdirat, [maker, name, 0o700]);
      open(O.directory);
    } else if (type === S_IF.fifo) {
      stage.run(what, SYS.mknodat, [maker, name, S_IF.fifo | 0o600, 0]);
      open(O.rdwr | O.nonblock);
    } else badImage(`${what}: it is not a regular file`);
    return number;
  }

  #openAt(what: string, number: number, { folder, name }: Named, flags: number): void {
    this.#stage.make(what, number, SYS.openat, [folder, name, flags | O.nofollow | O.cloexec, 0]);
  }

  /**
   * Removes the name. If the name that the file had is free, the file gets that one first: the kernel continues to
   * show the last name of an open file. Directories keep the new name, since they cannot be removed in a way that
   * depends on the renaming, as below.
   */
  #removeName({ what, type, maker, name }: Named, old: string): void {
    const stage = this.#stage;
    if (type === S_IF.dir) {
      stage.run(what, SYS.unlinkat, [maker, name, AT_REMOVEDIR]);
      return;
    }
    const to = this.#data(old);
    const names = [maker, name, maker, to, RENAME_NOREPLACE];
    stage.sequence.syscall(what, SYS.renameat2, names, { tolerate: true, store: this.#renamed });
    stage.attempt(what, SYS.unlinkat, [maker, name, 0]);
    // The flags are the result of the renaming: 0, or -errno, which the kernel refuses.
    stage.attempt(what, SYS.unlinkat, [maker, to, this.#renamed]);
  }

  #fill({ what, type }: Named, number: number, { entry, content }: GhostFile): void {
    const stage = this.#stage;
    const size = entry.size ?? 0n;
    if (type === S_IF.reg) planContent(stage, number, what, { size, content: { entry, content } });
    planFileAttributes(stage, number, what, entry);
  }

  #data(name: string): PlanData {
    return this.#stage.builder.data(cPath(name), 1);
  }
}
