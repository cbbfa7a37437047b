// SPDX-License-Identifier: Apache-2.0
import { Empty } from '../common/messages/empty.js';
import { RollbackRequest, RollbackResponse } from '../common/messages/mvas-task.js';
import * as proto from '../common/messages/task.js';
import { method, serviceTable, type MethodTable } from './rpc/methods.js';
import type { TaskService } from './task/service.js';

/** What the shim offers besides: proto/mvas/task.proto. */
const OWN_SERVICES = ['mvas.task.v1.Task'];
const SERVICES = ['containerd.task.v2.Task', 'containerd.task.v3.Task'];

/** Offers a task service as version 2 and as version 3, which agree field for field, and our own methods. */
export function taskMethods(service: TaskService): MethodTable {
  const own = serviceTable(OWN_SERVICES, {
    Rollback: method(RollbackRequest, RollbackResponse, (request, { signal }) =>
      service.rollback(request, signal),
    ),
  });
  return new Map([...own, ...containerdMethods(service)]);
}

function containerdMethods(service: TaskService): MethodTable {
  return serviceTable(SERVICES, {
    State: method(proto.StateRequest, proto.StateResponse, (request) => service.state(request)),
    Create: method(proto.CreateTaskRequest, proto.CreateTaskResponse, (request, { signal }) =>
      service.create(request, signal),
    ),
    Start: method(proto.StartRequest, proto.StartResponse, (request, { signal }) =>
      service.start(request, signal),
    ),
    Delete: method(proto.DeleteRequest, proto.DeleteResponse, (request) => service.delete(request)),
    Pids: method(proto.PidsRequest, proto.PidsResponse, (request) => service.pids(request)),
    Pause: method(proto.PauseRequest, Empty, (request) => service.pause(request)),
    Resume: method(proto.ResumeRequest, Empty, (request) => service.resume(request)),
    Checkpoint: method(proto.CheckpointTaskRequest, Empty, (request, { signal }) =>
      service.checkpoint(request, signal),
    ),
    Kill: method(proto.KillRequest, Empty, (request) => service.kill(request)),
    Exec: method(proto.ExecProcessRequest, Empty, (request) => service.exec(request)),
    ResizePty: method(proto.ResizePtyRequest, Empty, (request) => service.resizePty(request)),
    CloseIO: method(proto.CloseIORequest, Empty, (request) => service.closeIo(request)),
    Update: method(proto.UpdateTaskRequest, Empty, (request) => service.update(request)),
    Wait: method(proto.WaitRequest, proto.WaitResponse, (request) => service.wait(request)),
    Stats: method(proto.StatsRequest, proto.StatsResponse, (request) => service.stats(request)),
    Connect: method(proto.ConnectRequest, proto.ConnectResponse, (request) =>
      service.connect(request),
    ),
    Shutdown: method(proto.ShutdownRequest, Empty, () => service.shutdown()),
  });
}
