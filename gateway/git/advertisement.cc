#include "gateway/git/advertisement.h"

#include <utility>

#include "gateway/base/encoding.h"

namespace postern::git {
namespace {

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::invalid_input, "advertisement: " + std::move(message));
}

// "fetch=shallow packfile-uris filter" without the one feature.
std::string without_packfile_uris(std::string_view line) {
  std::string out;
  const std::size_t equals = line.find('=');
  std::string_view features = line.substr(equals + 1);
  while (!features.empty()) {
    const std::size_t space = features.find(' ');
    const std::string_view feature = features.substr(0, space);
    features.remove_prefix(space == std::string_view::npos ? features.size() : space + 1);
    if (feature.empty() || feature == "packfile-uris") continue;
    if (!out.empty()) out += ' ';
    out += feature;
  }
  return std::string(line.substr(0, equals)) + (out.empty() ? "" : "=" + out);
}

}  // namespace

void AdvertisementRewriter::append_capabilities(std::string& out, std::string_view list) {
  bool first = true;
  while (!list.empty()) {
    const std::size_t space = list.find(' ');
    const std::string_view token = list.substr(0, space);
    list.remove_prefix(space == std::string_view::npos ? list.size() : space + 1);
    if (token.empty() || token == "push-cert" || token.starts_with("push-cert=")) continue;
    if (token == "push-options") push_options_ = true;
    if (token == "report-status" || token == "report-status-v2") report_status_ = true;
    if (token.starts_with("object-format=")) object_format_ = token.substr(14);
    if (!std::exchange(first, false)) out += ' ';
    out += token;
  }
}

Status AdvertisementRewriter::take(const Pkt& pkt, std::string& out) {
  if (ended_) return bad("packets after its end");
  if (pkt.kind == PktKind::delim || pkt.kind == PktKind::response_end) return bad("a delimiter packet");
  ++packets_;
  const std::string_view line = pkt.line();
  if (packets_ == 1) {
    if (pkt.kind == PktKind::data && line == "version 2" && service_ == Service::upload_pack) {
      version2_ = saw_service_ = saw_capabilities_ = true;
      append_pkt(out, pkt.payload);
      return {};
    }
    if (pkt.kind != PktKind::data || line != "# service=" + std::string(to_string(service_))) {
      return bad("expected '# service=" + std::string(to_string(service_)) + "' first, found '" + printable(line, 80) +
                 "'");
    }
    saw_service_ = true;
    append_pkt(out, pkt.payload);
    return {};
  }
  if (packets_ == 2 && !version2_) {
    if (pkt.kind != PktKind::flush) return bad("expected a flush after the service line");
    out += kFlushPkt;
    return {};
  }
  if (pkt.kind == PktKind::flush) {
    ended_ = true;
    out += kFlushPkt;
    return {};
  }
  if (version2_) {
    if (line == "bundle-uri" || line.starts_with("bundle-uri=") || line == "promisor-remote" ||
        line.starts_with("promisor-remote=")) {
      return {};
    }
    if (line.starts_with("object-format=")) object_format_ = line.substr(14);
    if (line.starts_with("fetch=")) {
      append_pkt(out, without_packfile_uris(line) + "\n");
    } else {
      append_pkt(out, pkt.payload);
    }
    return {};
  }
  if (!saw_capabilities_) {
    if (line.starts_with("ERR ")) {
      error_ = true;
      append_pkt(out, pkt.payload);
      return {};
    }
    if (packets_ == 3 && line == "version 2" && service_ == Service::upload_pack) {  // behind a service line
      version2_ = saw_capabilities_ = true;
      append_pkt(out, pkt.payload);
      return {};
    }
    if (packets_ == 3 && line == "version 1") {
      append_pkt(out, pkt.payload);
      return {};
    }
    const std::size_t nul = line.find('\0');
    if (nul == std::string_view::npos) return bad("the first ref carries no capabilities");
    saw_capabilities_ = true;
    std::string rewritten;
    rewritten.reserve(line.size() + 1);
    rewritten += line.substr(0, nul + 1);
    append_capabilities(rewritten, line.substr(nul + 1));
    rewritten += '\n';
    append_pkt(out, rewritten);
    return {};
  }
  if (line.find('\0') != std::string_view::npos) return bad("capabilities after the first ref");
  append_pkt(out, pkt.payload);
  return {};
}

Status AdvertisementRewriter::feed(std::string_view bytes, std::string& out) {
  out.reserve(out.size() + bytes.size());
  while (!bytes.empty()) {
    Result<std::optional<Pkt>> pkt = reader_.next(bytes);
    if (!pkt) return fail(in_context("advertisement", pkt.error()));
    if (!*pkt) return {};
    if (Status taken = take(**pkt, out); !taken) return taken;
  }
  return {};
}

Status AdvertisementRewriter::finish() const {
  if (error_) return {};
  if (packets_ == 0) return bad("it is empty; the upstream's git failed (look into its log)");
  if (!reader_.at_boundary() || !ended_) return bad("it is cut short");
  if (!saw_capabilities_) return bad("it has no capabilities; the upstream's git failed (look into its log)");
  return {};
}

}  // namespace postern::git
