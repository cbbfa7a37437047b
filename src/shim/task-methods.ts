// SPDX-License-Identifier: Apache-2.0
import * as proto from './proto/task.js';
import { Empty } from './proto/types.js';
import { method, serviceTable, type MethodTable } from './rpc/methods.js';
import type { TaskService } from './task/service.js';

const SERVICES = ['containerd.task.v2.Task', 'containerd.task.v3.Task'];

/** Offers a task service on the wire, as version 2 and as version 3, which agree field for field. */
export function taskMethods(service: TaskService): MethodTable {
  return serviceTable(SERVICES, {
    State: method(proto.ProcessRequest, proto.StateResponse, (request) => service.state(request)),
    Create: method(proto.CreateTaskRequest, proto.PidResponse, (request, { signal }) =>
      service.create(request, signal),
    ),
    Start: method(proto.ProcessRequest, proto.PidResponse, (request, { signal }) =>
      service.start(request, signal),
    ),
    Delete: method(proto.ProcessRequest, proto.DeleteResponse, (request) =>
      service.delete(request),
    ),
    Pids: method(proto.IdRequest, proto.PidsResponse, (request) => service.pids(request)),
    Pause: method(proto.IdRequest, Empty, (request) => service.pause(request)),
    Resume: method(proto.IdRequest, Empty, (request) => service.resume(request)),
    Checkpoint: method(proto.CheckpointTaskRequest, Empty, (request, { signal }) =>
      service.checkpoint(request, signal),
    ),
    Kill: method(proto.KillRequest, Empty, (request) => service.kill(request)),
    Exec: method(proto.ExecProcessRequest, Empty, (request) => service.exec(request)),
    ResizePty: method(proto.ResizePtyRequest, Empty, (request) => service.resizePty(request)),
    CloseIO: method(proto.CloseIORequest, Empty, (request) => service.closeIo(request)),
    Update: method(proto.UpdateTaskRequest, Empty, (request) => service.update(request)),
    Wait: method(proto.ProcessRequest, proto.WaitResponse, (request) => service.wait(request)),
    Stats: method(proto.IdRequest, proto.StatsResponse, (request) => service.stats(request)),
    Connect: method(proto.IdRequest, proto.ConnectResponse, (request) => service.connect(request)),
    Shutdown: method(proto.ShutdownRequest, Empty, () => service.shutdown()),
  });
}
