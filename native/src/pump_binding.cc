// SPDX-License-Identifier: Apache-2.0
#include "pump_binding.h"

namespace mvas {

Napi::Function PumpBinding::Define(Napi::Env env) {
  return DefineClass(env, "Pump",
                     {
                         InstanceMethod<&PumpBinding::Start>("start"),
                         InstanceMethod<&PumpBinding::Stop>("stop"),
                     });
}

PumpBinding::PumpBinding(const Napi::CallbackInfo& info) : Napi::ObjectWrap<PumpBinding>(info) {
  told_ =
      Napi::ThreadSafeFunction::New(info.Env(), info[0].As<Napi::Function>(), "mvas-pump", 0, 1);
  told_.Unref(info.Env());
  pump_ = std::make_unique<Pump>([this](uint32_t id) { Tell(id, true); },
                                 [this](uint32_t id) { Tell(id, false); });
}

PumpBinding::~PumpBinding() {
  pump_.reset();  // ends the thread, which calls back no more
  told_.Release();
}

void PumpBinding::Tell(uint32_t id, bool has_ended) {
  told_.NonBlockingCall([id, has_ended](Napi::Env env, Napi::Function callback) {
    callback.Call({Napi::Number::New(env, id), Napi::Boolean::New(env, has_ended)});
  });
}

Napi::Value PumpBinding::Start(const Napi::CallbackInfo& info) {
  const int from = info[0].As<Napi::Number>().Int32Value();
  const int to = info[1].As<Napi::Number>().Int32Value();
  const std::string needle = info[2].IsString() ? info[2].As<Napi::String>().Utf8Value() : "";
  return Napi::Number::New(info.Env(), pump_->Start(from, to, needle));
}

Napi::Value PumpBinding::Stop(const Napi::CallbackInfo& info) {
  pump_->Stop(info[0].As<Napi::Number>().Uint32Value());
  return info.Env().Undefined();
}

}  // namespace mvas
