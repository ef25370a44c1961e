// What a push is answered with (gitprotocol-pack, "Report Status"): read from the upstream, with our reasons put in,
// and written by ourselves for a push that is refused before it is forwarded.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/git/command_list.h"
#include "gateway/git/pkt_line.h"

namespace postern::git {

inline constexpr std::string_view kReceivePackResult = "application/x-git-receive-pack-result";
// What git reports for every ref of a push that pre-receive refused.
inline constexpr std::string_view kHookDeclined = "pre-receive hook declined";

// Value: what became of one ref.
struct RefReport {
  std::string ref;
  bool ok = false;
  std::string reason;                // of a refusal
  std::vector<std::string> options;  // report-status-v2, after ok: "refname refs/…", "forced-update", …
};

// Value. `unpack` is "ok" or the upstream's error; without a report (probe, a client that asked for none) it is empty.
struct PushReport {
  std::string unpack;
  std::vector<RefReport> refs;
  bool has_report() const { return !unpack.empty(); }
  // The report of that ref; null when the upstream said nothing about it, which is no success.
  const RefReport* find(std::string_view ref) const;
};

// Puts the reason of each ref (ref -> one line) in place of kHookDeclined. True when it changed anything.
bool replace_hook_reasons(PushReport& report, const std::map<std::string, std::string, std::less<>>& reasons);

// Passes an upstream's receive-pack result on while it comes, and holds back the report until it is whole, so that
// reasons can be put in. Progress (bands 2 and 3) goes on at once. Bounded: at most `max_report_bytes` are held.
class ReportReader {
 public:
  // `side_band`: the client listed side-band-64k, so the upstream frames in bands.
  explicit ReportReader(bool side_band, std::size_t max_report_bytes = std::size_t{8} << 20)
      : side_band_(side_band), max_report_bytes_(max_report_bytes) {}

  // Appends to `out` what may go to the client now. invalid_input, limit: the upstream speaks no receive-pack result.
  Status feed(std::string_view bytes, std::string& out);
  // At the upstream's end of body. invalid_input: cut short, or no report; then nobody knows what moved.
  Result<PushReport> finish();
  // What is still owed to the client: the report as given (framed as the client expects it) and the final flush.
  std::string rest(const PushReport& report) const;
  // True once band 3, a fatal error, went by.
  bool saw_fatal() const { return fatal_; }

 private:
  Status take_report_bytes(std::string_view bytes);

  bool side_band_;
  std::size_t max_report_bytes_;
  PktReader outer_;
  PktReader inner_;
  PushReport report_;
  std::size_t report_bytes_ = 0;
  bool outer_done_ = false;
  bool inner_done_ = false;
  bool fatal_ = false;
  bool any_ = false;
};

// Value: the whole HTTP answer of a refused push.
struct RefusalAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
};

// A refusal that git shows to people: `remote:` lines, then `! [remote rejected] ref -> ref (reason)` for every
// command. `reasons` has one entry per command of `request`; where it is empty the text says that another ref was
// refused. `lines` are shown above (without line ends). Control characters are taken out and reasons cut to 200 bytes.
// A client that asked for no report gets 403 and the text, since nothing can be said per ref.
RefusalAnswer write_refusal(const PushRequest& request, std::span<const std::string> reasons,
                            std::span<const std::string> lines);

// One line fit for `ng`: no control characters, valid UTF-8, at most `max_bytes`.
std::string report_line(std::string_view text, std::size_t max_bytes = 199);

}  // namespace postern::git
