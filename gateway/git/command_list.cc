#include "gateway/git/command_list.h"

#include <algorithm>
#include <set>

#include "gateway/base/encoding.h"

namespace postern::git {
namespace {

std::unexpected<Error> bad(std::string message) {
  return fail(ErrorCode::invalid_input, "push request: " + std::move(message));
}

bool has_control_byte(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

std::string_view flag_name(std::string_view token) { return token.substr(0, token.find('=')); }

// The parser of git finds a capability by its name whether or not a value follows, so a flag with a value is refused.
bool* find_flag(PushCapabilities& capabilities, std::string_view name) {
  if (name == "report-status") return &capabilities.report_status;
  if (name == "report-status-v2") return &capabilities.report_status_v2;
  if (name == "side-band-64k") return &capabilities.side_band_64k;
  if (name == "quiet") return &capabilities.quiet;
  if (name == "atomic") return &capabilities.atomic;
  if (name == "push-options") return &capabilities.push_options;
  return nullptr;
}

std::string* find_value(PushCapabilities& capabilities, std::string_view name) {
  if (name == "object-format") return &capabilities.object_format;
  if (name == "agent") return &capabilities.agent;
  if (name == "session-id") return &capabilities.session_id;
  return nullptr;
}

}  // namespace

Result<PushHeadParser::State> PushHeadParser::feed(std::string_view& input) {
  while (part_ != Part::done) {
    const std::size_t before = input.size();
    Result<std::optional<Pkt>> pkt = reader_.next(input);
    head_bytes_ += before - input.size();
    if (!pkt) return fail(in_context("push request", pkt.error()));
    if (head_bytes_ > limits_.head_bytes) {
      return fail(ErrorCode::limit, "push request: the command list exceeds " + std::to_string(limits_.head_bytes) +
                                        " bytes; split the push");
    }
    if (!*pkt) return State::more;
    if (Status taken = take(**pkt); !taken) return fail(taken.error());
  }
  return refused_ ? State::refused : State::complete;
}

Status PushHeadParser::finish() const {
  if (part_ == Part::done) return {};
  return bad("the body ends inside the command list");
}

Status PushHeadParser::take(const Pkt& pkt) {
  // git ends its list at any of the special packets; a reader that went on to 0000 would see other commands.
  if (pkt.kind == PktKind::delim || pkt.kind == PktKind::response_end) {
    return bad("a delimiter packet (0001, 0002) has no place in a push; the list ends with 0000");
  }
  if (part_ == Part::commands) {
    if (pkt.kind == PktKind::flush) return end_commands();
    const std::string_view line = pkt.line();
    if (line.starts_with("shallow ")) return take_shallow(line);
    if (line.starts_with("push-cert")) return bad("signed pushes (push-cert) are not taken; push without --signed");
    return take_command(line);
  }
  if (pkt.kind == PktKind::flush) return end_head();
  const std::string_view option = pkt.line();
  if (option.empty()) return bad("an empty push option");
  if (option.find('\0') != std::string_view::npos || option.find('\n') != std::string_view::npos) {
    return bad("a push option holds NUL or a line end");
  }
  option_bytes_ += option.size();
  if (option_bytes_ > limits_.option_bytes) {
    return fail(ErrorCode::limit,
                "push request: the push options exceed " + std::to_string(limits_.option_bytes) + " bytes");
  }
  request_.options.emplace_back(option);
  return {};
}

Status PushHeadParser::take_shallow(std::string_view line) {
  if (!request_.commands.empty()) return bad("a shallow line after the first command");
  Result<ObjectId> id = ObjectId::parse(line.substr(8));
  if (!id) return bad("shallow line: " + id.error().message);
  if (request_.shallow.size() >= limits_.shallow) {
    return fail(ErrorCode::limit, "push request: more than " + std::to_string(limits_.shallow) + " shallow lines");
  }
  request_.shallow.push_back(std::move(*id));
  return {};
}

Status PushHeadParser::take_capabilities(std::string_view text) {
  if (has_control_byte(text)) return bad("the capabilities hold a control character");
  std::set<std::string_view> seen;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view token = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (token.empty()) continue;  // git itself writes a space before the first one
    const std::string_view name = flag_name(token);
    if (!seen.insert(name).second) return bad("the capability '" + printable(name, 80) + "' stands twice");
    if (bool* flag = find_flag(request_.capabilities, name)) {
      if (token != name) return bad("the capability '" + std::string(name) + "' takes no value");
      *flag = true;
    } else if (std::string* value = find_value(request_.capabilities, name)) {
      if (token.size() <= name.size() + 1) return bad("the capability '" + std::string(name) + "' needs a value");
      *value = token.substr(name.size() + 1);
    }
  }
  const std::string& format = request_.capabilities.object_format;
  if (!format.empty() && format != "sha1" && format != "sha256") {
    return bad("object-format '" + printable(format, 80) + "' is not sha1 or sha256");
  }
  return {};
}

Status PushHeadParser::take_command(std::string_view payload) {
  const std::size_t nul = payload.find('\0');
  if (nul != std::string_view::npos) {
    if (!request_.commands.empty()) return bad("capabilities after the first command");
    if (Status taken = take_capabilities(payload.substr(nul + 1)); !taken) return taken;
    payload = payload.substr(0, nul);
  }
  const std::size_t first = payload.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : payload.find(' ', first + 1);
  if (second == std::string_view::npos) {
    return bad("expected 'old-id new-id ref', found '" + printable(payload, 80) + "'");
  }
  Result<ObjectId> old_id = ObjectId::parse(payload.substr(0, first));
  if (!old_id) return bad("old id: " + old_id.error().message);
  Result<ObjectId> new_id = ObjectId::parse(payload.substr(first + 1, second - first - 1));
  if (!new_id) return bad("new id: " + new_id.error().message);
  const std::size_t digits = request_.capabilities.object_format == "sha256" ? 64 : 40;
  if (old_id->hex().size() != digits || new_id->hex().size() != digits) {
    return bad("an object id has not the length of the object format, " + std::to_string(digits) + " digits");
  }
  const std::string_view ref = payload.substr(second + 1);
  // A report cannot name such a ref without becoming another line, so the whole request is refused.
  if (ref.empty() || has_control_byte(ref)) return bad("a ref name is empty or holds a control character");
  if (request_.commands.size() >= limits_.commands) {
    return fail(ErrorCode::limit,
                "push request: more than " + std::to_string(limits_.commands) + " commands; split the push");
  }
  request_.commands.push_back({std::move(*old_id), std::move(*new_id), std::string(ref)});
  return {};
}

Status PushHeadParser::end_commands() {
  if (request_.commands.empty()) {
    if (!request_.shallow.empty()) return bad("shallow lines without a command");
    request_.is_probe = true;
    part_ = Part::done;
    return {};
  }
  std::set<std::string_view> seen;
  refusals_.resize(request_.commands.size());
  for (std::size_t i = 0; i < request_.commands.size(); ++i) {
    const RefUpdate& command = request_.commands[i];
    std::string& refusal = refusals_[i];
    if (!is_valid_ref_name(command.ref)) {
      refusal = "funny refname: expected refs/<namespace>/<name> as git check-ref-format takes it";
    } else if (!seen.insert(command.ref).second) {
      refusal = "this ref stands twice in one push";
    } else if (command.old_id.is_zero() && command.new_id.is_zero()) {
      refusal = "old and new id are both zero";
    }
    if (!refusal.empty()) refused_ = true;
    if (!command.is_delete()) request_.expects_pack = true;
  }
  if (request_.capabilities.push_options) {
    part_ = Part::options;
    return {};
  }
  return end_head();
}

Status PushHeadParser::end_head() {
  part_ = Part::done;
  return {};
}

Status PackGuard::feed(std::string_view bytes) {
  if (bytes.empty() || seen_ == 4) return {};
  if (!expects_pack_) return bad("bytes follow a command list that needs no pack");
  constexpr std::string_view kSignature = "PACK";
  const std::size_t take = std::min(4 - seen_, bytes.size());
  if (bytes.substr(0, take) != kSignature.substr(seen_, take)) return bad("what follows the command list is no pack");
  seen_ += take;
  return {};
}

Status PackGuard::finish() const {
  if (expects_pack_ && seen_ < 4) return bad("the body ends before the pack");
  return {};
}

std::string write_push_head(const PushRequest& request, std::span<const std::string> added_options) {
  if (request.is_probe) return std::string(kFlushPkt);
  const PushCapabilities& asked = request.capabilities;
  const bool with_options = asked.push_options || !added_options.empty();
  std::string tokens;
  const auto add = [&tokens](bool wanted, std::string_view token) {
    if (wanted) (tokens += ' ') += token;
  };
  add(asked.report_status, "report-status");
  add(asked.report_status_v2, "report-status-v2");
  add(asked.side_band_64k, "side-band-64k");
  add(asked.quiet, "quiet");
  add(asked.atomic, "atomic");
  add(with_options, "push-options");
  add(!asked.object_format.empty(), "object-format=" + asked.object_format);
  add(!asked.agent.empty(), "agent=" + asked.agent);
  add(!asked.session_id.empty(), "session-id=" + asked.session_id);

  std::string out;
  for (const ObjectId& id : request.shallow) append_pkt(out, "shallow " + id.hex());
  for (std::size_t i = 0; i < request.commands.size(); ++i) {
    const RefUpdate& command = request.commands[i];
    std::string line = command.old_id.hex() + " " + command.new_id.hex() + " " + command.ref;
    if (i == 0) (line += '\0') += tokens;
    append_pkt(out, line);
  }
  out += kFlushPkt;
  if (with_options) {
    for (const std::string& option : request.options) append_pkt(out, option);
    for (const std::string& option : added_options) append_pkt(out, option);
    out += kFlushPkt;
  }
  return out;
}

}  // namespace postern::git
