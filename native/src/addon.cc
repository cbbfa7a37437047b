// SPDX-License-Identifier: Apache-2.0
// Registration of the addon. Every export is typed in src/native/index.ts.
#include <napi.h>

#include "areas.h"
#include "descriptors.h"
#include "fd_watch.h"
#include "file_binding.h"
#include "fork_binding.h"
#include "message_queue.h"
#include "pump_binding.h"
#include "syscall_binding.h"
#include "texts.h"
#include "tracer_binding.h"
#include "user_namespace.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("syscall", Napi::Function::New(env, mvas::Syscall, "syscall"));
  exports.Set("addressOf", Napi::Function::New(env, mvas::AddressOf, "addressOf"));
  exports.Set("readDescriptors",
              Napi::Function::New(env, mvas::ReadDescriptors, "readDescriptors"));
  exports.Set("findOpenFile", Napi::Function::New(env, mvas::FindOpenFile, "findOpenFile"));
  exports.Set("statBelow", Napi::Function::New(env, mvas::StatBelow, "statBelow"));
  exports.Set("copyMessages", Napi::Function::New(env, mvas::CopyMessages, "copyMessages"));
  exports.Set("socketOptions", Napi::Function::New(env, mvas::SocketOptions, "socketOptions"));
  exports.Set("readAreas", Napi::Function::New(env, mvas::ReadAreas, "readAreas"));
  exports.Set("parseAreas", Napi::Function::New(env, mvas::ParseAreas, "parseAreas"));
  exports.Set("readBelow", Napi::Function::New(env, mvas::ReadBelow, "readBelow"));
  exports.Set("FdWatch", mvas::FdWatch::Define(env));
  exports.Set("forkAway", Napi::Function::New(env, mvas::ForkAway, "forkAway"));
  exports.Set("userNamespace", Napi::Function::New(env, mvas::UserNamespace, "userNamespace"));
  exports.Set("writeFiles", Napi::Function::New(env, mvas::WriteFiles, "writeFiles"));
  exports.Set("Tracer", mvas::TracerBinding::Define(env));
  exports.Set("Pump", mvas::PumpBinding::Define(env));
  return exports;
}

NODE_API_MODULE(mvas, Init)
