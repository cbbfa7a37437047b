// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_PUMP_BINDING_H_
#define MVAS_PUMP_BINDING_H_

#include <napi.h>

#include <memory>

#include "pump.h"

namespace mvas {

// The pump as JavaScript sees it. It keeps no process alive.
class PumpBinding : public Napi::ObjectWrap<PumpBinding> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit PumpBinding(const Napi::CallbackInfo& info);
  ~PumpBinding() override;

 private:
  Napi::Value Start(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);

  void Tell(uint32_t id, bool has_ended);

  Napi::ThreadSafeFunction told_;
  std::unique_ptr<Pump> pump_;
};

}  // namespace mvas

#endif
