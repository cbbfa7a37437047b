// SPDX-License-Identifier: Apache-2.0
#include "tracer_binding.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "residence.h"
#include "syscall_binding.h"
#include "tracer.h"
#include "twins.h"

namespace mvas {
namespace {

std::vector<pid_t> Tids(const Napi::Value& value) {
  const auto array = value.As<Napi::Int32Array>();
  return std::vector<pid_t>(array.Data(), array.Data() + array.ElementLength());
}

Bytes ToBytes(const Napi::Value& value) {
  if (!value.IsTypedArray()) return {};
  const auto array = value.As<Napi::Uint8Array>();
  return Bytes(array.Data(), array.Data() + array.ByteLength());
}

Napi::Value FromBytes(Napi::Env env, const void* data, size_t length) {
  auto array = Napi::Uint8Array::New(env, length);
  if (length) memcpy(array.Data(), data, length);
  return array;
}

Napi::Value FromStops(Napi::Env env, const std::vector<mvas::Stop>& stops) {
  auto array = Napi::Int32Array::New(env, stops.size() * 2);
  for (size_t i = 0; i < stops.size(); i++) {
    array[2 * i] = stops[i].tid;
    array[2 * i + 1] = stops[i].status;
  }
  return array;
}

std::vector<RemoteCall> ToCalls(const Napi::Value& value) {
  const auto words = value.As<Napi::BigUint64Array>();
  std::vector<RemoteCall> calls(words.ElementLength() / 7);
  if (!calls.empty()) memcpy(calls.data(), words.Data(), calls.size() * sizeof(RemoteCall));
  return calls;
}

Napi::Value FromResults(Napi::Env env, int error, const std::vector<int64_t>& results) {
  auto array = Napi::BigInt64Array::New(env, results.size() + 1);
  array[0] = error;
  for (size_t i = 0; i < results.size(); i++) array[i + 1] = results[i];
  return array;
}

Registers ToRegisters(const Napi::Value& value) {
  Registers registers;
  const Bytes given = ToBytes(value);
  if (given.size() != sizeof registers)
    throw Napi::TypeError::New(value.Env(), "wrong size of registers");
  memcpy(&registers, given.data(), sizeof registers);
  return registers;
}

Napi::Object FromThread(Napi::Env env, const ThreadState& state) {
  auto object = Napi::Object::New(env);
  object.Set("error", state.error);
  object.Set("registers", FromBytes(env, &state.registers, sizeof state.registers));
  object.Set("xstate", FromBytes(env, state.xstate.data(), state.xstate.size()));
  object.Set("signalMask", Napi::BigInt::New(env, state.signal_mask));
  object.Set("hasUserDispatch", state.has_user_dispatch);
  object.Set("rseq", FromBytes(env, state.rseq.data(), state.rseq.size()));
  object.Set("privateSignals",
             FromBytes(env, state.private_signals.data(), state.private_signals.size()));
  object.Set("sharedSignals",
             FromBytes(env, state.shared_signals.data(), state.shared_signals.size()));
  return object;
}

}  // namespace

Napi::Function TracerBinding::Define(Napi::Env env) {
  return DefineClass(env, "Tracer",
                     {
                         InstanceMethod<&TracerBinding::Seize>("seize"),
                         InstanceMethod<&TracerBinding::WaitStops>("waitStops"),
                         InstanceMethod<&TracerBinding::ReadThreads>("readThreads"),
                         InstanceMethod<&TracerBinding::WriteThread>("writeThread"),
                         InstanceMethod<&TracerBinding::Settle>("settle"),
                         InstanceMethod<&TracerBinding::RemoteCalls>("remoteCalls"),
                         InstanceMethod<&TracerBinding::BatchCalls>("batchCalls"),
                         InstanceMethod<&TracerBinding::BatchMany>("batchMany"),
                         InstanceMethod<&TracerBinding::ExposedCalls>("exposedCalls"),
                         InstanceMethod<&TracerBinding::MoveIn>("moveIn"),
                         InstanceMethod<&TracerBinding::MakeTwin>("makeTwin"),
                         InstanceMethod<&TracerBinding::EndTwins>("endTwins"),
                         InstanceMethod<&TracerBinding::Detach>("detach"),
                         InstanceMethod<&TracerBinding::Gather>("gather"),
                         InstanceMethod<&TracerBinding::Request>("request"),
                         InstanceMethod<&TracerBinding::Watch>("watch"),
                         InstanceMethod<&TracerBinding::Close>("close"),
                     });
}

TracerBinding::TracerBinding(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TracerBinding>(info) {
  deliver_ = Napi::ThreadSafeFunction::New(info.Env(), Napi::Function(), "mvas-tracer", 0, 1);
  process_.emplace([this] { Run(); });
}

TracerBinding::~TracerBinding() { End(); }

void TracerBinding::End() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_one();
  process_->Join();
  deliver_.Release();
}

// The next thing to do; null at the end. If the program hangs meanwhile, possibly because a tracee
// is stopped, all tracees are let go: repeatedly, since one that is about to stop cannot be let go
// yet.
std::unique_ptr<TracerBinding::Job> TracerBinding::Next() {
  const auto look = std::chrono::milliseconds(Liveness::kLookMs);
  const auto is_due = [this] { return stopping_ || !jobs_.empty(); };
  std::unique_lock<std::mutex> lock(mutex_);
  while (!is_due()) {
    if (!liveness_.IsWatched())
      wake_.wait(lock);
    else if (!wake_.wait_for(lock, look, is_due) && (has_let_go_ || liveness_.IsSilent()))
      LetGo(0);
  }
  if (jobs_.empty()) return nullptr;
  auto job = std::move(jobs_.front());
  jobs_.pop_front();
  return job;
}

// Lets all tracees go except one (0: none), which is in a call.
void TracerBinding::LetGo(pid_t but) {
  has_let_go_ = true;
  for (const pid_t tid : traced_)
    if (tid != but) mvas::Detach(tid, stop_signals_.count(tid) ? SIGSTOP : 0);
  if (!but) stop_signals_.clear();
}

void TracerBinding::Run() {
  while (auto job = Next()) {
    job->finish = job->work();
    deliver_.BlockingCall(job.release(), [](Napi::Env env, Napi::Function, Job* done) {
      const std::unique_ptr<Job> owned(done);
      if (env != nullptr) owned->deferred.Resolve(owned->finish(env));
    });
  }
}

Napi::Value TracerBinding::Queue(Napi::Env env, Work work) {
  auto job = std::make_unique<Job>(Job{std::move(work), {}, Napi::Promise::Deferred::New(env)});
  const Napi::Value promise = job->deferred.Promise();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (stopping_) throw Napi::Error::New(env, "the tracer is closed");
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return promise;
}

Napi::Value TracerBinding::Seize(const Napi::CallbackInfo& info) {
  const auto tids = Tids(info[0]);
  const auto options = static_cast<unsigned long>(ToWord(info[1]));
  return Queue(info.Env(), [this, tids, options]() -> Finish {
    const auto results = mvas::Seize(tids, options, &traced_);
    return [results](Napi::Env env) { return FromStops(env, results); };
  });
}

Napi::Value TracerBinding::WaitStops(const Napi::CallbackInfo& info) {
  const auto tids = Tids(info[0]);
  const int timeout = info[1].As<Napi::Number>().Int32Value();
  return Queue(info.Env(), [tids, timeout]() -> Finish {
    const auto stops = mvas::WaitStops(std::set<pid_t>(tids.begin(), tids.end()), timeout);
    return [stops](Napi::Env env) { return FromStops(env, stops); };
  });
}

Napi::Value TracerBinding::ReadThreads(const Napi::CallbackInfo& info) {
  const auto tids = Tids(info[0]);
  return Queue(info.Env(), [tids]() -> Finish {
    auto states = std::make_shared<std::vector<ThreadState>>();
    for (const pid_t tid : tids) states->push_back(ReadThread(tid));
    return [states](Napi::Env env) -> Napi::Value {
      auto array = Napi::Array::New(env, states->size());
      for (size_t i = 0; i < states->size(); i++)
        array.Set(static_cast<uint32_t>(i), FromThread(env, (*states)[i]));
      return array;
    };
  });
}

// writeThread(tid, registers, xstate | null, signalMask | null)
Napi::Value TracerBinding::WriteThread(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].As<Napi::Number>().Int32Value();
  const Registers registers = ToRegisters(info[1]);
  const Bytes xstate = ToBytes(info[2]);
  const bool masked = info[3].IsBigInt();
  const uint64_t mask = masked ? ToWord(info[3]) : 0;
  return Queue(info.Env(), [tid, registers, xstate, masked, mask]() -> Finish {
    const int error = mvas::WriteThread(tid, registers, xstate, masked ? &mask : nullptr);
    return [error](Napi::Env env) { return Napi::Number::New(env, error); };
  });
}

Napi::Value TracerBinding::Settle(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].As<Napi::Number>().Int32Value();
  const Registers registers = ToRegisters(info[1]);
  return Queue(info.Env(), [tid, registers]() -> Finish {
    const int error = mvas::Settle(tid, registers);
    return [error](Napi::Env env) { return Napi::Number::New(env, error); };
  });
}

// remoteCalls(tid, instruction, stack, calls: BigUint64Array of 7 words each) -> BigInt64Array
// [error, result...]
Napi::Value TracerBinding::RemoteCalls(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].As<Napi::Number>().Int32Value();
  const uint64_t instruction = ToWord(info[1]);
  const uint64_t stack = ToWord(info[2]);
  const auto calls = ToCalls(info[3]);
  return Queue(info.Env(), [this, tid, instruction, stack, calls]() -> Finish {
    std::vector<int64_t> results;
    bool stop = false;
    const int error = mvas::RemoteCalls(tid, instruction, stack, calls, &results, &stop);
    if (stop) stop_signals_.insert(tid);
    return [error, results](Napi::Env env) { return FromResults(env, error, results); };
  });
}

// batchCalls(tid, code, table, calls) -> BigInt64Array [error, result...]
Napi::Value TracerBinding::BatchCalls(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].As<Napi::Number>().Int32Value();
  const uint64_t code = ToWord(info[1]);
  const uint64_t table = ToWord(info[2]);
  const auto calls = ToCalls(info[3]);
  return Queue(info.Env(), [this, tid, code, table, calls]() -> Finish {
    std::vector<int64_t> results;
    bool stop = false;
    const Late late = [this, tid] { LetGo(tid); };
    const int error = mvas::BatchCalls(tid, code, table, calls, &results, &stop, late);
    if (stop) stop_signals_.insert(tid);
    return [error, results](Napi::Env env) { return FromResults(env, error, results); };
  });
}

// batchMany(tids, sites: 4 words for each, counts, calls of all) -> BigInt64Array: for each thread
// [error, result..., word of its room...]. A site is code, table, address of the room and its
// words.
Napi::Value TracerBinding::BatchMany(const Napi::CallbackInfo& info) {
  constexpr size_t kSite = 4;
  const auto tids = Tids(info[0]);
  const auto counts = Tids(info[2]);
  const auto words = info[1].As<Napi::BigUint64Array>();
  const auto calls = ToCalls(info[3]);
  const std::vector<uint64_t> sites(words.Data(), words.Data() + words.ElementLength());
  size_t all = 0, size = 0;
  for (size_t i = 0; i < counts.size(); i++) {
    all += static_cast<size_t>(counts[i]);
    size += 1 + static_cast<size_t>(counts[i]) + sites.at(kSite * i + 3);
  }
  if (counts.size() != tids.size() || sites.size() != kSite * tids.size() || all != calls.size())
    throw Napi::TypeError::New(info.Env(), "batchMany: threads, sites and calls do not match");
  return Queue(info.Env(), [this, tids, sites, counts, calls, size]() -> Finish {
    auto answers = std::make_shared<std::vector<int64_t>>(size);
    auto call = calls.begin();
    int64_t* answer = answers->data();
    for (size_t i = 0; i < tids.size(); i++) {
      const pid_t tid = tids[i];
      const uint64_t* site = &sites[kSite * i];
      const auto count = static_cast<size_t>(counts[i]);
      std::vector<int64_t> results;
      bool stop = false;
      const Late late = [this, tid] { LetGo(tid); };
      int error =
          mvas::BatchCalls(tid, site[0], site[1], {call, call + counts[i]}, &results, &stop, late);
      if (stop) stop_signals_.insert(tid);
      if (!error) error = ReadOurWords(tid, site[2], answer + 1 + count, site[3]);
      answer[0] = error;
      std::copy(results.begin(), results.end(), answer + 1);
      call += counts[i];
      answer += 1 + count + site[3];
    }
    return [answers](Napi::Env env) -> Napi::Value {
      auto array = Napi::BigInt64Array::New(env, answers->size());
      memcpy(array.Data(), answers->data(), answers->size() * sizeof(int64_t));
      return array;
    };
  });
}

// exposedCalls(tid, instruction, registers, signal mask, calls) -> BigInt64Array [error, result...]
Napi::Value TracerBinding::ExposedCalls(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].As<Napi::Number>().Int32Value();
  const uint64_t instruction = ToWord(info[1]);
  const Registers resume = ToRegisters(info[2]);
  const uint64_t mask = ToWord(info[3]);
  const auto calls = ToCalls(info[4]);
  return Queue(info.Env(), [this, tid, instruction, resume, mask, calls]() -> Finish {
    std::vector<int64_t> results;
    bool stop = false;
    const Late late = [this, tid] { LetGo(tid); };
    const int error =
        mvas::ExposedCalls(tid, instruction, resume, mask, calls, &results, &stop, late);
    if (stop) stop_signals_.insert(tid);
    return [error, results](Napi::Env env) { return FromResults(env, error, results); };
  });
}

// moveIn(words, bytes of the pieces, which change) -> BigInt64Array: error, address and result of
// the last call of each (residence.h)
Napi::Value TracerBinding::MoveIn(const Napi::CallbackInfo& info) {
  const auto words = info[0].As<Napi::BigUint64Array>();
  auto bytes = info[1].As<Napi::Uint8Array>();
  auto keep = std::make_shared<Napi::Reference<Napi::Value>>(Napi::Persistent(info[1]));
  auto residences = std::make_shared<std::vector<Residence>>();
  try {
    *residences = ReadResidences({words.Data(), words.Data() + words.ElementLength()}, bytes.Data(),
                                 bytes.ByteLength());
  } catch (const std::out_of_range& error) {
    throw Napi::TypeError::New(info.Env(), error.what());
  }
  return Queue(info.Env(), [this, residences, keep]() -> Finish {
    std::vector<int64_t> results;
    for (const Residence& residence : *residences) {
      const pid_t tid = residence.residents.at(0).tid;
      bool stop = false;
      const Late late = [this, tid] { LetGo(tid); };
      const MovedIn moved = mvas::MoveIn(residence, &stop, late);
      if (stop) stop_signals_.insert(tid);
      results.insert(results.end(), {moved.error, moved.address, moved.protect});
    }
    return [results, keep](Napi::Env env) -> Napi::Value {
      auto array = Napi::BigInt64Array::New(env, results.size());
      memcpy(array.Data(), results.data(), results.size() * sizeof(int64_t));
      return array;
    };
  });
}

// makeTwin(tid, code, end, stack, options, [clone, call...]) -> BigInt64Array [error, pid, inner
// pid]
Napi::Value TracerBinding::MakeTwin(const Napi::CallbackInfo& info) {
  const pid_t tid = info[0].As<Napi::Number>().Int32Value();
  TwinRequest request{ToWord(info[1]), ToWord(info[2]), ToWord(info[3]), ToWord(info[4]), {},
                      ToCalls(info[5])};
  if (request.calls.empty()) throw Napi::TypeError::New(info.Env(), "no call that makes a twin");
  request.clone = request.calls.front();
  request.calls.erase(request.calls.begin());
  return Queue(info.Env(), [this, tid, request]() -> Finish {
    Twin twin;
    bool stop = false;
    const Late late = [this, tid] { LetGo(tid); };
    const int error = mvas::MakeTwin(tid, request, &twin, &stop, late);
    if (stop) stop_signals_.insert(tid);
    return [error, twin](Napi::Env env) { return FromResults(env, error, {twin.pid, twin.inner}); };
  });
}

Napi::Value TracerBinding::EndTwins(const Napi::CallbackInfo& info) {
  const auto pids = Tids(info[0]);
  return Queue(info.Env(), [pids]() -> Finish {
    const int error = mvas::EndTwins(pids);
    return [error](Napi::Env env) { return Napi::Number::New(env, error); };
  });
}

Napi::Value TracerBinding::Detach(const Napi::CallbackInfo& info) {
  const auto tids = Tids(info[0]);
  return Queue(info.Env(), [this, tids]() -> Finish {
    const auto results = mvas::LetGo(tids, &stop_signals_, &traced_);
    return [results](Napi::Env env) { return FromStops(env, results); };
  });
}

Napi::Value TracerBinding::Gather(const Napi::CallbackInfo& info) {
  const auto running = Tids(info[0]);
  const auto expected = static_cast<size_t>(info[1].As<Napi::Number>().Uint32Value());
  const auto dying = Tids(info[2]);
  const std::set<pid_t> mortal(dying.begin(), dying.end());
  const int timeout = info[3].As<Napi::Number>().Int32Value();
  return Queue(info.Env(), [running, expected, mortal, timeout]() -> Finish {
    const auto gathering =
        std::make_shared<Gathering>(mvas::Gather(running, expected, mortal, timeout));
    return [gathering](Napi::Env env) -> Napi::Value {
      auto object = Napi::Object::New(env);
      auto stopped = Napi::Int32Array::New(env, gathering->stopped.size());
      for (size_t i = 0; i < gathering->stopped.size(); i++) stopped[i] = gathering->stopped[i];
      object.Set("error", gathering->error);
      object.Set("stopped", stopped);
      object.Set("culprit", gathering->culprit.tid);
      object.Set("culpritStatus", gathering->culprit.status);
      object.Set("culpritIp", Napi::BigInt::New(env, gathering->culprit_ip));
      return object;
    };
  });
}

// request(ptrace request, tid, address, data): any other ptrace request. `data` may be a
// Uint8Array, which must stay alive until the promise settles (it is kept by a reference here).
Napi::Value TracerBinding::Request(const Napi::CallbackInfo& info) {
  const auto request = static_cast<long>(ToWord(info[0]));
  const auto tid = static_cast<long>(ToWord(info[1]));
  const auto address = static_cast<long>(ToWord(info[2]));
  const auto data = static_cast<long>(ToWord(info[3]));
  auto keep = info[3].IsTypedArray()
                  ? std::make_shared<Napi::Reference<Napi::Value>>(Napi::Persistent(info[3]))
                  : nullptr;
  return Queue(info.Env(), [request, tid, address, data, keep]() -> Finish {
    // The raw call: glibc's wrapper changes what PEEK requests return.
    const long result = syscall(SYS_ptrace, request, tid, address, data);
    const long value = result == -1 ? -errno : result;
    return
        [value, keep](Napi::Env env) { return Napi::Number::New(env, static_cast<double>(value)); };
  });
}

// watch(milliseconds) -> boolean
Napi::Value TracerBinding::Watch(const Napi::CallbackInfo& info) {
  const std::lock_guard<std::mutex> lock(mutex_);
  liveness_.Hear(info[0].As<Napi::Number>().Int64Value());
  return Napi::Boolean::New(info.Env(), !has_let_go_);
}

Napi::Value TracerBinding::Close(const Napi::CallbackInfo& info) {
  End();
  return info.Env().Undefined();
}

}  // namespace mvas
