#include "hooks/mains/main_check_pool.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"
#include "hooks/mains/main_check_rules.h"

namespace postern::check {

bool has_xml_name(std::string_view path) {
  return path.size() > 4 && ascii_lower(path.substr(path.size() - 4)) == ".xml";
}

std::string Progress::at(Time now, std::size_t judged) {
  if (!shown_ || now < next_) return {};
  next_ = now + std::chrono::milliseconds(500);
  written_ = true;
  return fmt::format("\rpostern-check: {} files", judged);
}

std::string Progress::end() const { return written_ ? "\r\x1b[K" : ""; }

Pool::Pool(const Judging& judging, unsigned threads, bool show_progress)
    : judging_(judging), threads_(std::max(threads, 1U)), progress_(show_progress, std::chrono::steady_clock::now()) {}

Pool::~Pool() {
  {
    auto work = work_.lock();
    work->queue.clear();
    work->closed = true;
  }
  changed_.notify_all();
}

void Pool::add(Input input) {
  bool full = false;
  std::size_t done = 0;
  {
    auto work = work_.lock();
    work->queue.push_back(std::move(input));
    full = work->queue.size() >= kQueue;
    done = work->done;
    // A few files are judged sooner than a thread begins.
    if (work->queue.size() >= 8 && helpers_.size() + 1 < threads_) helpers_.emplace_back([this] { this->work(); });
  }
  changed_.notify_one();
  if (full) judge_one();
  (void)write_all(STDERR_FILENO, progress_.at(std::chrono::steady_clock::now(), done));
}

Judged Pool::finish() {
  while (judge_one()) {
    const std::size_t done = work_.lock()->done;
    (void)write_all(STDERR_FILENO, progress_.at(std::chrono::steady_clock::now(), done));
  }
  work_.lock()->closed = true;
  changed_.notify_all();
  helpers_.clear();
  (void)write_all(STDERR_FILENO, progress_.end());
  Judged out = std::move(work_.lock()->judged);
  // Those of one file stand together, in their own order.
  std::stable_sort(out.findings.begin(), out.findings.end());
  std::sort(out.files.begin(), out.files.end());
  std::sort(out.errors.begin(), out.errors.end());
  return out;
}

void Pool::work() {
  while (true) {
    {
      auto work = work_.lock();
      changed_.wait(work.lock_for_wait(), [&] { return work->closed || !work->queue.empty(); });
      if (work->queue.empty()) return;
    }
    judge_one();
  }
}

bool Pool::judge_one() {
  Input input;
  {
    auto work = work_.lock();
    if (work->queue.empty()) return false;
    input = std::move(work->queue.front());
    work->queue.pop_front();
  }
  judge(std::move(input));
  return true;
}

void Pool::judge(Input input) {
  std::string read;
  if (!input.text) {
    Result<std::string> bytes = read_file(input.path, kMaxFileBytes);
    if (!bytes) {
      auto work = work_.lock();
      ++work->done;
      work->judged.errors.push_back(bytes.error().message);
      return;
    }
    read = std::move(*bytes);
  }
  const std::string& text = input.text ? *input.text : read;
  const policy::Scope scope = scope_of_path(input.path, judging_.root);
  // What lies where publishers take a policy from is one, whatever it holds.
  const bool placed = scope != policy::Scope::unknown && input.path.ends_with("policy.xml");
  if (!input.named && !placed && !policy::looks_like_policy(text)) {
    ++work_.lock()->done;
    return;
  }
  policy::CheckOptions options = judging_.options;
  options.scope = scope;
  options.severity = judging_.settings.levels_for(input.path);
  options.guardrails = judging_.settings.guardrails_for(input.path);
  policy::CheckCounts counts;
  std::vector<policy::Finding> findings = policy::check_policy(input.path, text, options, &counts);

  auto work = work_.lock();
  ++work->done;
  Judged& judged = work->judged;
  ++judged.count;
  judged.suppressed += counts.suppressed;
  if (!findings.empty() && input.text) judged.texts.emplace(input.path, std::move(*input.text));
  std::move(findings.begin(), findings.end(), std::back_inserter(judged.findings));
  if (judging_.list_files) judged.files.push_back(std::move(input.path));
}

}  // namespace postern::check
