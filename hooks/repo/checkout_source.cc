#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "gateway/base/encoding.h"
#include "hooks/repo/checkout.h"
#include "hooks/repo/directory_source.h"

namespace postern::repo {
namespace {

struct Listed {
  bool file = false;
  bool directory = false;
  std::string id;
  std::string path;
};

// "MODE TYPE ID TAB PATH NUL" of ls-tree.
Result<std::vector<Listed>> entries_of(std::string_view raw) {
  std::vector<Listed> out;
  while (!raw.empty()) {
    const std::size_t tab = raw.find('\t');
    const std::size_t end = raw.find('\0');
    const std::size_t id = tab == std::string_view::npos ? tab : raw.rfind(' ', tab);
    if (end == std::string_view::npos || id == std::string_view::npos || tab > end)
      return fail(ErrorCode::unavailable, "git ls-tree answers in a form that is not known here");
    Listed entry;
    entry.file = raw.starts_with("100");
    entry.directory = raw.starts_with("040");
    entry.id = raw.substr(id + 1, tab - id - 1);
    entry.path = raw.substr(tab + 1, end - tab - 1);
    out.push_back(std::move(entry));
    raw.remove_prefix(end + 1);
  }
  return out;
}

class CheckoutSource final : public FileSource {
 public:
  CheckoutSource(Checkout checkout, std::string commit) : git_(std::move(checkout)), commit_(std::move(commit)) {}

  Result<std::string> read(std::string_view path, std::size_t max_bytes) const override {
    const Result<std::optional<Listed>> entry = file_at(path);
    if (!entry) return fail(entry.error());
    if (!*entry) return fail(ErrorCode::not_found, printable(path) + ": no such file");
    const Result<ProcessResult> size = git_.run({"cat-file", "-s", (*entry)->id});
    if (!size) return fail(in_context(printable(path), size.error()));
    if (size->exit_code != 0)
      return fail(ErrorCode::unavailable,
                  fmt::format("{}: what stood there before is not here, because this clone was made with a filter; "
                              "fetch it first: git fetch --refetch --no-filter origin (git: {})",
                              printable(path), last_words(size->errors)));
    if (std::strtoull(size->output.c_str(), nullptr, 10) > max_bytes)
      return fail(ErrorCode::limit, fmt::format("{}: more than {} bytes", printable(path), max_bytes));
    return git_.output({"cat-file", "blob", (*entry)->id});
  }

  Result<bool> exists(std::string_view path) const override {
    const Result<std::optional<Listed>> entry = file_at(path);
    if (!entry) return fail(entry.error());
    return entry->has_value();
  }

  Result<std::vector<std::string>> list(std::string_view directory) const override {
    const Result<std::vector<Listed>> entries = below(directory, {"-r"});
    if (!entries) return fail(entries.error());
    std::vector<std::string> out;
    for (const Listed& entry : *entries) {
      if (entry.file) out.push_back(entry.path);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  Result<std::vector<std::string>> names(std::string_view directory) const override {
    const Result<std::vector<Listed>> entries = below(directory, {});
    if (!entries) return fail(entries.error());
    std::vector<std::string> out;
    for (const Listed& entry : *entries) {
      if (entry.file || entry.directory)
        out.push_back(entry.path.substr(entry.path.rfind('/') + 1) + (entry.directory ? "/" : ""));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  Result<std::vector<Listed>> below(std::string_view directory, std::vector<std::string> options) const {
    if (!directory.empty() && !is_plain_path(directory)) return std::vector<Listed>{};
    std::vector<std::string> arguments = {"ls-tree", "-z"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(commit_);
    if (!directory.empty()) arguments.insert(arguments.end(), {"--", std::string(directory) + "/"});
    const Result<std::string> raw = git_.output(std::move(arguments));
    if (!raw) return fail(raw.error());
    return entries_of(*raw);
  }

  Result<std::optional<Listed>> file_at(std::string_view path) const {
    if (!is_plain_path(path)) return std::optional<Listed>();
    const Result<std::string> raw = git_.output({"ls-tree", "-z", commit_, "--", std::string(path)});
    if (!raw) return fail(raw.error());
    Result<std::vector<Listed>> entries = entries_of(*raw);
    if (!entries) return fail(entries.error());
    if (entries->size() != 1 || !entries->front().file || entries->front().path != path) return std::optional<Listed>();
    return std::move(entries->front());
  }

  Checkout git_;
  std::string commit_;
};

}  // namespace

std::unique_ptr<FileSource> checkout_source(const Checkout& checkout, std::string commit) {
  return std::make_unique<CheckoutSource>(checkout, std::move(commit));
}

}  // namespace postern::repo
