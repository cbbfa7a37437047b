// SPDX-License-Identifier: Apache-2.0
#ifndef MVAS_TRACER_BINDING_H_
#define MVAS_TRACER_BINDING_H_

#include <napi.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "liveness.h"
#include "tracing_process.h"

namespace mvas {

// A session's tracing process, as JavaScript sees it. Methods queue work for it and return
// promises. When it ends (close, or the object is collected) the kernel releases every tracee.
class TracerBinding : public Napi::ObjectWrap<TracerBinding> {
 public:
  static Napi::Function Define(Napi::Env env);
  explicit TracerBinding(const Napi::CallbackInfo& info);
  ~TracerBinding() override;

 private:
  // Runs in the tracing process; what it returns makes the result, on JavaScript's thread.
  using Finish = std::function<Napi::Value(Napi::Env)>;
  using Work = std::function<Finish()>;
  struct Job {
    Work work;
    Finish finish;
    Napi::Promise::Deferred deferred;
  };

  Napi::Value Queue(Napi::Env env, Work work);
  void Run();
  void End();
  std::unique_ptr<Job> Next();
  void LetGo(pid_t but);

  Napi::Value Seize(const Napi::CallbackInfo& info);
  Napi::Value WaitStops(const Napi::CallbackInfo& info);
  Napi::Value ReadThreads(const Napi::CallbackInfo& info);
  Napi::Value WriteThread(const Napi::CallbackInfo& info);
  Napi::Value Settle(const Napi::CallbackInfo& info);
  Napi::Value RemoteCalls(const Napi::CallbackInfo& info);
  Napi::Value BatchCalls(const Napi::CallbackInfo& info);
  Napi::Value BatchMany(const Napi::CallbackInfo& info);
  Napi::Value ExposedCalls(const Napi::CallbackInfo& info);
  Napi::Value MoveIn(const Napi::CallbackInfo& info);
  Napi::Value MakeTwin(const Napi::CallbackInfo& info);
  Napi::Value EndTwins(const Napi::CallbackInfo& info);
  Napi::Value Detach(const Napi::CallbackInfo& info);
  Napi::Value Gather(const Napi::CallbackInfo& info);
  Napi::Value Request(const Napi::CallbackInfo& info);
  Napi::Value Watch(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  std::set<pid_t> stop_signals_;  // a SIGSTOP was withheld from these; for the tracing process
  std::vector<pid_t> traced_;     // its tracees; for the tracing process
  std::atomic<bool> has_let_go_{false};  // it has let them go by itself
  Napi::ThreadSafeFunction deliver_;
  std::optional<TracingProcess> process_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<Job>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                  // guarded by mutex_
  Liveness liveness_;                      // guarded by mutex_
};

}  // namespace mvas

#endif
