#include "hooks/install/dispatcher.h"

#include <array>
#include <utility>

namespace postern::install {

extern const std::string_view dispatcher_sh;  // dispatcher.sh, embedded at build time

namespace {

constexpr std::array<std::string_view, 28> kHookNames{"applypatch-msg",     "pre-applypatch",
                                                      "post-applypatch",    "pre-commit",
                                                      "pre-merge-commit",   "post-commit",
                                                      "prepare-commit-msg", "commit-msg",
                                                      "pre-rebase",         "post-checkout",
                                                      "post-merge",         "pre-push",
                                                      "pre-receive",        "update",
                                                      "proc-receive",       "post-receive",
                                                      "post-update",        "push-to-checkout",
                                                      "pre-auto-gc",        "post-rewrite",
                                                      "post-index-change",  "reference-transaction",
                                                      "sendemail-validate", "fsmonitor-watchman",
                                                      "p4-changelist",      "p4-prepare-changelist",
                                                      "p4-post-changelist", "p4-pre-submit"};

}  // namespace

std::span<const std::string_view> hook_names() { return kHookNames; }

std::string shell_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string dispatcher_script(const DispatcherPaths& paths) {
  std::string script(dispatcher_sh);
  for (const auto& [mark, value] :
       {std::pair("@program@", &paths.program), std::pair("@bundle@", &paths.bundle),
        std::pair("@spool@", &paths.spool), std::pair("@root@", &paths.root), std::pair("@pause@", &paths.pause)}) {
    const std::size_t at = script.find(mark);
    script.replace(at, std::string_view(mark).size(), shell_quote(*value));
  }
  return script;
}

}  // namespace postern::install
