#include "hooks/mains/main_check.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <set>
#include <thread>

#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "hooks/mains/main_check_git.h"
#include "hooks/mains/main_check_pool.h"
#include "hooks/mains/main_check_rules.h"
#include "hooks/policy/baseline.h"
#include "hooks/policy/check.h"
#include "hooks/policy/rules.h"
#include "hooks/report/report.h"
#include "hooks/template/artifact.h"

namespace postern::check {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 1000000;
constexpr int kMaxDepth = 100;

int bad_usage(const std::string& message) {
  fmt::print(stderr, "postern-check: {}\n", message);
  return kExitBadUsage;
}

int could_not_finish(const std::string& message) {
  fmt::print(stderr, "postern-check: {}\n", message);
  return kExitCouldNotFinish;
}

// Gives every XML file below a directory to the pool, in one order on every machine. Symbolic links are not followed.
Status walk(const fs::path& directory, int depth, std::size_t& files, Pool& pool) {
  const std::string name = directory.generic_string();
  if (depth > kMaxDepth) return fail(ErrorCode::limit, fmt::format("{}: deeper than {} directories", name, kMaxDepth));
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    entries.push_back(*it);
  if (error) return fail(ErrorCode::io, fmt::format("{}: {}", name, error.message()));
  std::sort(entries.begin(), entries.end(),
            [](const fs::directory_entry& a, const fs::directory_entry& b) { return a.path() < b.path(); });
  for (const fs::directory_entry& entry : entries) {
    const fs::file_status status = entry.symlink_status(error);
    if (error) return fail(ErrorCode::io, fmt::format("{}: {}", entry.path().generic_string(), error.message()));
    if (status.type() == fs::file_type::directory) {
      const fs::path last = entry.path().filename();
      if (last == ".git" || last == "node_modules") continue;
      if (const Status below = walk(entry.path(), depth + 1, files, pool); !below) return below;
    } else if (status.type() == fs::file_type::regular) {
      std::string path = entry.path().lexically_normal().generic_string();
      if (!has_xml_name(path)) continue;
      if (++files > kMaxFiles) return fail(ErrorCode::limit, fmt::format("{}: more than {} files", name, kMaxFiles));
      pool.add({std::move(path), std::nullopt, false});
    }
  }
  return {};
}

Result<std::string> read_standard_input() {
  std::string text;
  char buffer[65536];
  while (true) {
    const ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno_error("reading standard input", errno));
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > kMaxFileBytes) return fail(ErrorCode::limit, "standard input is too large");
  }
}

Result<policy::Baseline> read_baseline(const std::string& path) {
  const Result<std::string> text = read_file(path, policy::kBaselineMaxBytes);
  if (!text) return fail(text.error());
  Result<policy::Baseline> baseline = policy::parse_baseline(*text);
  if (!baseline) return fail(in_context(path, baseline.error()));
  return baseline;
}

std::int64_t today() {
  return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()).time_since_epoch().count();
}

Status write_out(const std::string& text) { return write_all(STDOUT_FILENO, text); }

// Whether APIs, products or fragments lie right below it.
bool holds_artifacts(const fs::path& directory) {
  std::error_code error;
  for (auto at = fs::directory_iterator(directory, error); !error && at != fs::directory_iterator();
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (tree::classify_artifact(name + "/name/policy.xml").kind != tree::ArtifactKind::unknown) return true;
  }
  return false;
}

// The directory one level below `root` that holds artifacts, where it holds none itself; empty when there is none.
std::string root_meant(const fs::path& root) {
  std::error_code error;
  if (holds_artifacts(root)) return {};
  std::set<std::string> found;
  for (auto at = fs::directory_iterator(root, error); !error && at != fs::directory_iterator(); at.increment(error)) {
    if (at->is_directory(error) && holds_artifacts(at->path()))
      found.insert((root / at->path().filename()).lexically_normal().generic_string());
  }
  return found.empty() ? std::string() : *found.begin();
}

}  // namespace

int run(const Request& request) {
  const auto started = std::chrono::steady_clock::now();
  if (request.list_rules) {
    const Status written = write_out(list_of_rules(request.format == Format::json));
    return written ? kExitFine : could_not_finish(written.error().message);
  }
  if (request.explain) {
    const std::optional<std::string> text = explanation(*request.explain);
    if (!text)
      return bad_usage(fmt::format("there is no rule '{}'; --list-rules names them", printable(*request.explain)));
    const Status written = write_out(*text);
    return written ? kExitFine : could_not_finish(written.error().message);
  }

  if (request.stdin_name && (!request.paths.empty() || request.changed))
    return bad_usage("--stdin takes neither paths nor --changed");

  policy::CheckOptions options;
  options.today = today();
  const Result<policy::Settings> settings = read_settings(request.settings, request.root);
  if (!settings) {
    const bool usage = settings.error().code == ErrorCode::bad_usage ||
                       settings.error().code == ErrorCode::invalid_input ||
                       settings.error().code == ErrorCode::not_found;
    const std::string message = (request.settings ? "--settings: " : "") + settings.error().message;
    return usage ? bad_usage(message) : could_not_finish(message);
  }
  policy::Baseline baseline;
  if (request.baseline) {
    Result<policy::Baseline> read = read_baseline(*request.baseline);
    if (!read) return bad_usage("--baseline: " + read.error().message);
    baseline = std::move(*read);
  }

  const Judging judging{options, *settings, request.root, request.format == Format::junit};
  Pool pool(judging, std::clamp(std::thread::hardware_concurrency(), 1U, 8U), isatty(STDERR_FILENO) != 0);
  tree::Extent extent;
  std::unique_ptr<repo::FileSource> before;
  policy::CheckCounts of_tree_counts;
  // The whole tree beside the documents; what changed in it is known only behind them.
  std::future<Result<std::vector<policy::Finding>>> of_tree;
  if (request.root && !request.stdin_name) {
    of_tree = std::async(request.changed ? std::launch::deferred : std::launch::async, [&] {
      return check_artifacts(*request.root, extent, before.get(), *settings, options, of_tree_counts);
    });
  }
  if (request.stdin_name) {
    Result<std::string> text = read_standard_input();
    if (!text) return could_not_finish(text.error().message);
    pool.add({*request.stdin_name, std::move(*text), true});
  } else if (request.changed) {
    Result<ChangeSet> changed = changes_of(*request.changed, request.paths);
    if (!changed) {
      const bool usage = changed.error().code == ErrorCode::bad_usage;
      return usage ? bad_usage(changed.error().message) : could_not_finish(changed.error().message);
    }
    extent.whole = false;
    std::string prefix = fs::path(request.root.value_or(".")).lexically_normal().generic_string();
    while (prefix.ends_with('/')) prefix.pop_back();
    if (prefix == ".") prefix.clear();
    before = std::move(changed->before);
    for (ChangedFile& file : changed->files) {
      if (const auto below = tree::below_root(prefix, file.path))
        (file.deleted ? extent.deleted : extent.changed).insert(std::string(*below));
      if (!file.deleted && has_xml_name(file.path)) pool.add({std::move(file.path), std::move(file.text), false});
    }
  } else {
    std::vector<std::string> paths = request.paths;
    if (paths.empty()) paths.push_back(request.root.value_or("."));
    std::set<std::string> seen;
    std::size_t files = 0;
    for (const std::string& path : paths) {
      std::string plain = fs::path(path).lexically_normal().generic_string();
      if (!seen.insert(plain).second) continue;
      std::error_code error;
      const fs::file_status status = fs::status(path, error);
      if (status.type() == fs::file_type::not_found)
        return bad_usage(fmt::format("{}: no such file or directory", printable(path)));
      if (error) return could_not_finish(fmt::format("{}: {}", printable(path), error.message()));
      if (fs::is_directory(status)) {
        if (const Status walked = walk(path, 0, files, pool); !walked)
          return could_not_finish(printable(walked.error().message, 4096));
      } else {
        pool.add({std::move(plain), std::nullopt, true});
      }
    }
  }

  Judged judged = pool.finish();
  for (const std::string& error : judged.errors) fmt::print(stderr, "postern-check: {}\n", printable(error, 4096));
  bool unread = !judged.errors.empty();
  // A path that is mistyped in a pipeline would else be green for ever.
  std::error_code absent;
  if (request.root && !request.stdin_name && !fs::is_directory(*request.root, absent)) {
    fmt::print(stderr, "postern-check: note: --root {}: no such directory here, so no artifact tree is judged\n",
               printable(*request.root));
  } else if (const std::string meant = request.root && !request.stdin_name ? root_meant(*request.root) : std::string();
             !meant.empty()) {
    fmt::print(stderr, "postern-check: note: --root {}: no artifacts lie right below it; did you mean --root {}?\n",
               printable(*request.root), printable(meant));
  } else if (judged.count == 0 && !request.root && !request.changed && !unread) {
    fmt::print(stderr, "postern-check: note: nothing to judge below {}: no file holds a policy or a fragment\n",
               printable(request.paths.empty() ? "." : request.paths.front()));
  }
  report::Summary summary;
  summary.files = judged.count;
  summary.suppressed = judged.suppressed;
  std::vector<policy::Finding> findings;
  for (policy::Finding& f : judged.findings) {
    if (baseline.contains(f.fingerprint))
      ++summary.baselined;
    else
      findings.push_back(std::move(f));
  }
  if (of_tree.valid()) {
    Result<std::vector<policy::Finding>> found = of_tree.get();
    if (!found) {
      fmt::print(stderr, "postern-check: {}\n", printable(found.error().message, 4096));
      unread = true;
    } else {
      summary.suppressed += of_tree_counts.suppressed;
      for (policy::Finding& f : *found) {
        if (baseline.contains(f.fingerprint))
          ++summary.baselined;
        else
          findings.push_back(std::move(f));
      }
    }
  }
  std::stable_sort(findings.begin(), findings.end());
  report::count(findings, summary);
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  if (request.write_baseline) {
    const Status written = write_file_atomic(*request.write_baseline, policy::baseline_text(findings), 0644);
    if (!written) return could_not_finish(written.error().message);
    fmt::print(stderr, "postern-check: {} findings written to {}\n", findings.size(),
               printable(*request.write_baseline));
    return unread ? kExitCouldNotFinish : kExitFine;
  }

  std::string out;
  switch (request.format) {
    case Format::text: {
      report::TextStyle style;
      const char* no_color = std::getenv("NO_COLOR");
      style.color = isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
      auto source = [&](const std::string& path) -> std::optional<std::string> {
        if (const auto known = judged.texts.find(path); known != judged.texts.end()) return known->second;
        Result<std::string> text = read_file(path, kMaxFileBytes);
        return text ? std::optional<std::string>(std::move(*text)) : std::nullopt;
      };
      out = report::write_text(findings, summary, source, style);
      break;
    }
    case Format::json: out = report::write_json(findings, summary); break;
    case Format::sarif: out = report::write_sarif(findings, all_rules()); break;
    case Format::junit:
      out =
          report::write_junit(findings, judged.files, summary,
                              request.fail_on == FailOn::warning ? policy::Severity::warning : policy::Severity::error);
      break;
    case Format::github: out = report::write_github(findings); break;
    case Format::gitlab: out = report::write_gitlab(findings); break;
  }
  if (const Status written = write_out(out); !written) return could_not_finish(written.error().message);
  if (unread) return kExitCouldNotFinish;
  const bool failed = summary.errors > 0 || (request.fail_on == FailOn::warning && summary.warnings > 0);
  return failed ? kExitFindings : kExitFine;
}

}  // namespace postern::check
