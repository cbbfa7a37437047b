// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_COUNTED_WORK_H_
#define MVAS_COUNTED_WORK_H_

#include <napi.h>

namespace mvas {

// Work on several things in a worker thread, one after the other. Its promise resolves with how
// many are done, and with 0 or the -errno that stopped it at the next one.
class CountedWork : public Napi::AsyncWorker {
 public:
  explicit CountedWork(Napi::Env env)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise Promise() const { return deferred_.Promise(); }

  void OnOK() override {
    auto result = Napi::Int32Array::New(Env(), 2);
    result[0] = done_;
    result[1] = error_;
    deferred_.Resolve(result);
  }

 protected:
  int done_ = 0;
  int error_ = 0;

 private:
  Napi::Promise::Deferred deferred_;
};

}  // namespace mvas

#endif
