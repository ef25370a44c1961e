#include "gateway/git/report_status.h"

#include "gateway/base/encoding.h"

namespace postern::git {
namespace {

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::invalid_input, "receive-pack result: " + std::move(message));
}

std::string write_report(const PushReport& report) {
  std::string out;
  append_pkt(out, "unpack " + report.unpack + "\n");
  for (const RefReport& ref : report.refs) {
    append_pkt(out, ref.ok ? "ok " + ref.ref + "\n" : "ng " + ref.ref + " " + ref.reason + "\n");
    for (const std::string& option : ref.options) append_pkt(out, "option " + option + "\n");
  }
  out += kFlushPkt;
  return out;
}

Status take_report_line(std::string_view line, PushReport& report) {
  if (report.unpack.empty()) {
    if (!line.starts_with("unpack ") || line.size() == 7) return bad("expected 'unpack …' first");
    report.unpack = line.substr(7);
    return {};
  }
  if (line.starts_with("ok ") && line.size() > 3) {
    report.refs.push_back({std::string(line.substr(3)), true, {}, {}});
    return {};
  }
  if (line.starts_with("ng ")) {
    const std::size_t space = line.find(' ', 3);
    if (space == std::string_view::npos || space == 3) return bad("an 'ng' line without ref and reason");
    report.refs.push_back({std::string(line.substr(3, space - 3)), false, std::string(line.substr(space + 1)), {}});
    return {};
  }
  if (line.starts_with("option ")) {
    if (report.refs.empty() || !report.refs.back().ok) return bad("an option line that follows no 'ok'");
    report.refs.back().options.emplace_back(line.substr(7));
    return {};
  }
  return bad("unknown line '" + printable(line, 80) + "'");
}

}  // namespace

const RefReport* PushReport::find(std::string_view ref) const {
  for (const RefReport& entry : refs) {
    if (entry.ref == ref) return &entry;
  }
  return nullptr;
}

bool replace_hook_reasons(PushReport& report, const std::map<std::string, std::string, std::less<>>& reasons) {
  bool changed = false;
  for (RefReport& entry : report.refs) {
    if (entry.ok || entry.reason != kHookDeclined) continue;
    const auto found = reasons.find(entry.ref);
    if (found == reasons.end() || found->second.empty()) continue;
    entry.reason = report_line(found->second);
    changed = true;
  }
  return changed;
}

Status ReportReader::take_report_bytes(std::string_view bytes) {
  report_bytes_ += bytes.size();
  if (report_bytes_ > max_report_bytes_) {
    return fail(ErrorCode::limit,
                "receive-pack result: the report exceeds " + std::to_string(max_report_bytes_) + " bytes");
  }
  while (!bytes.empty()) {
    if (inner_done_) return bad("bytes after the end of the report");
    Result<std::optional<Pkt>> pkt = inner_.next(bytes);
    if (!pkt) return fail(in_context("receive-pack result", pkt.error()));
    if (!*pkt) return {};
    if ((*pkt)->kind == PktKind::flush) {
      inner_done_ = true;
    } else if ((*pkt)->kind != PktKind::data) {
      return bad("a delimiter packet inside the report");
    } else if (Status taken = take_report_line((*pkt)->line(), report_); !taken) {
      return taken;
    }
  }
  return {};
}

Status ReportReader::feed(std::string_view bytes, std::string& out) {
  if (bytes.empty()) return {};
  any_ = true;
  if (!side_band_) return take_report_bytes(bytes);
  while (!bytes.empty()) {
    if (outer_done_) return bad("bytes after the final flush");
    Result<std::optional<Pkt>> pkt = outer_.next(bytes);
    if (!pkt) return fail(in_context("receive-pack result", pkt.error()));
    if (!*pkt) return {};
    if ((*pkt)->kind == PktKind::flush) {
      outer_done_ = true;
      continue;
    }
    const std::string& payload = (*pkt)->payload;
    if ((*pkt)->kind != PktKind::data || payload.empty()) return bad("a packet without a band");
    switch (payload.front()) {
      case 1:
        if (Status taken = take_report_bytes(std::string_view(payload).substr(1)); !taken) return taken;
        break;
      case 3: fatal_ = true; [[fallthrough]];
      case 2: append_pkt(out, payload); break;
      default: return bad("unknown band " + std::to_string(static_cast<unsigned char>(payload.front())));
    }
  }
  return {};
}

Result<PushReport> ReportReader::finish() {
  if (!any_) return PushReport{};  // a probe, or a client that asked for neither report nor bands
  if (side_band_ && !outer_.at_boundary()) return bad("it is cut short inside a packet");
  if (side_band_ && !outer_done_ && !fatal_) return bad("it is cut short before the final flush");
  if (report_bytes_ > 0 && !inner_done_) return bad("the report is cut short");
  return report_;
}

std::string ReportReader::rest(const PushReport& report) const {
  if (!any_) return {};
  std::string out;
  if (!side_band_) return report.has_report() ? write_report(report) : std::string{};
  if (report.has_report()) append_band(out, 1, write_report(report));
  if (outer_done_) out += kFlushPkt;
  return out;
}

std::string report_line(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  out = printable(out, std::string::npos / 2);
  if (out.size() > max_bytes) {
    constexpr std::string_view kCut = "...";
    std::size_t keep = max_bytes > kCut.size() ? max_bytes - kCut.size() : 0;
    while (keep > 0 && (static_cast<unsigned char>(out[keep]) & 0xc0) == 0x80) --keep;  // not inside a character
    out.resize(keep);
    out += kCut;
  }
  return out;
}

RefusalAnswer write_refusal(const PushRequest& request, std::span<const std::string> reasons,
                            std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) (text += report_line(line, 2000)) += '\n';
  if (!request.capabilities.reports()) return {403, "text/plain; charset=utf-8", text};

  PushReport report;
  report.unpack = "ok";  // any other word prints "remote unpack failed" as well
  for (std::size_t i = 0; i < request.commands.size(); ++i) {
    std::string reason = i < reasons.size() ? report_line(reasons[i]) : std::string{};
    if (reason.empty()) reason = "not judged: another ref of this push was refused";
    // git cuts at the first space, so a ref name that holds one is reported up to there.
    const std::string& ref = request.commands[i].ref;
    report.refs.push_back({ref.substr(0, ref.find(' ')), false, std::move(reason), {}});
  }
  RefusalAnswer answer{200, std::string(kReceivePackResult), {}};
  const std::string whole = write_report(report);
  if (request.capabilities.side_band_64k) {
    if (!text.empty()) append_band(answer.body, 2, text);
    append_band(answer.body, 1, whole);
    answer.body += kFlushPkt;
  } else {
    answer.body = whole;
  }
  return answer;
}

}  // namespace postern::git
