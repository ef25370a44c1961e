// Judging many documents on all cores, while the directories are still being walked.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gateway/base/guarded.h"
#include "hooks/policy/check.h"
#include "hooks/policy/settings.h"

namespace postern::check {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

// Of the files in a directory or a change those that end in ".xml", in any case, are documents.
bool has_xml_name(std::string_view path);

// Value: one document to be judged.
struct Input {
  std::string path;                 // as it is reported
  std::optional<std::string> text;  // already read; else it is read from the file system
  bool named = false;               // given by name: judged whatever its root is
};

// What judging depends on besides the documents. Shared, unchanged while the pool lives.
struct Judging {
  policy::CheckOptions options;
  const policy::Settings& settings;
  std::optional<std::string> root;
  bool list_files = false;  // fill Judged::files
};

// What was found in all of them. The order depends on nothing but the inputs.
struct Judged {
  std::vector<policy::Finding> findings;     // sorted
  std::vector<std::string> files;            // judged, sorted; empty unless asked for
  std::vector<std::string> errors;           // files that could not be read, sorted
  std::map<std::string, std::string> texts;  // of those with findings that came with their text
  std::size_t count = 0;                     // documents judged
  std::size_t suppressed = 0;
};

// Says on a terminal how far a long run is. Not thread-safe.
class Progress {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Nothing is said during the first second of a run, and then twice a second.
  Progress(bool shown, Time begun) : shown_(shown), next_(begun + std::chrono::seconds(1)) {}
  // What to write now; empty: nothing.
  std::string at(Time now, std::size_t judged);
  // What takes it away again; empty when nothing was written.
  std::string end() const;

 private:
  bool shown_;
  bool written_ = false;
  Time next_;
};

// Resource: its threads end with it. One thread adds and finishes.
class Pool {
 public:
  // `threads` counts the adding thread, which judges too when the queue is full.
  Pool(const Judging& judging, unsigned threads, bool show_progress);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Holds at most kQueue inputs; the adding thread helps while it is full.
  void add(Input input);
  // Judges what is left. Call once, after the last add().
  Judged finish();

 private:
  static constexpr std::size_t kQueue = 256;
  struct Work {
    std::deque<Input> queue;
    bool closed = false;
    std::size_t done = 0;
    Judged judged;
  };
  void judge(Input input);
  // Takes one from the queue and judges it; false when there is none.
  bool judge_one();
  void work();

  const Judging& judging_;
  const unsigned threads_;
  Progress progress_;  // of the adding thread
  Guarded<Work> work_;
  std::condition_variable changed_;
  std::vector<std::jthread> helpers_;
};

}  // namespace postern::check
