// SPDX-License-Identifier: Apache-2.0
// Registration of the addon. Every export is typed in src/native/index.ts.
#include <napi.h>

#include "areas.h"
#include "copy_binding.h"
#include "descriptors.h"
#include "fd_watch.h"
#include "file_binding.h"
#include "fork_binding.h"
#include "forms.h"
#include "memory_hold.h"
#include "message_queue.h"
#include "move_binding.h"
#include "pump_binding.h"
#include "rows.h"
#include "sockets.h"
#include "spawn_binding.h"
#include "syscall_binding.h"
#include "texts.h"
#include "tracer_binding.h"
#include "user_namespace.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("syscall", Napi::Function::New(env, mvas::Syscall, "syscall"));
  exports.Set("addressOf", Napi::Function::New(env, mvas::AddressOf, "addressOf"));
  exports.Set("rightsOffset", Napi::Function::New(env, mvas::RightsOffset, "rightsOffset"));
  exports.Set("readDescriptors",
              Napi::Function::New(env, mvas::ReadDescriptors, "readDescriptors"));
  exports.Set("findOpenFile", Napi::Function::New(env, mvas::FindOpenFile, "findOpenFile"));
  exports.Set("statBelow", Napi::Function::New(env, mvas::StatBelow, "statBelow"));
  exports.Set("copyMessages", Napi::Function::New(env, mvas::CopyMessages, "copyMessages"));
  exports.Set("readOptions", Napi::Function::New(env, mvas::ReadOptions, "readOptions"));
  exports.Set("lookAtSockets", Napi::Function::New(env, mvas::LookAtSockets, "lookAtSockets"));
  exports.Set("readAreas", Napi::Function::New(env, mvas::ReadAreas, "readAreas"));
  exports.Set("parseAreas", Napi::Function::New(env, mvas::ParseAreas, "parseAreas"));
  exports.Set("readForms", Napi::Function::New(env, mvas::ReadForms, "readForms"));
  exports.Set("readRows", Napi::Function::New(env, mvas::ReadRows, "readRows"));
  exports.Set("readBelow", Napi::Function::New(env, mvas::ReadBelow, "readBelow"));
  exports.Set("FdWatch", mvas::FdWatch::Define(env));
  exports.Set("askCopy", Napi::Function::New(env, mvas::AskCopy, "askCopy"));
  exports.Set("forkAway", Napi::Function::New(env, mvas::ForkAway, "forkAway"));
  exports.Set("userNamespace", Napi::Function::New(env, mvas::UserNamespace, "userNamespace"));
  exports.Set("keepMoving", Napi::Function::New(env, mvas::KeepMoving, "keepMoving"));
  exports.Set("writeToEach", Napi::Function::New(env, mvas::WriteToEach, "writeToEach"));
  exports.Set("writeFiles", Napi::Function::New(env, mvas::WriteFiles, "writeFiles"));
  exports.Set("spawn", Napi::Function::New(env, mvas::Spawn, "spawn"));
  exports.Set("MemoryHold", mvas::MemoryHold::Define(env));
  exports.Set("Tracer", mvas::TracerBinding::Define(env));
  exports.Set("Pump", mvas::PumpBinding::Define(env));
  return exports;
}

NODE_API_MODULE(mvas, Init)
