#include "hooks/deploy/arm_answer.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "gateway/base/encoding.h"
#include "gateway/base/json.h"

namespace postern::deploy {
namespace {

using Kind = ArmFailure::Kind;

constexpr json::Limits kLimits{.bytes = std::size_t{4} << 20, .depth = 64, .values = 200000};

std::string header_or_empty(const net::HttpResponse& response, std::string_view name) {
  const std::string* value = response.header(name);
  return value != nullptr ? *value : std::string();
}

// The digits at the start of `text`, taken off it.
std::optional<unsigned> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "Error in element 'x' on line 4, column 7: …", or "… Line 4, position 7." at the end of an XML reader's message.
ArmFault read_fault(std::string_view message, std::string_view target) {
  ArmFault fault;
  fault.element = target;
  fault.message = message;
  std::string_view rest = message;
  if (take(rest, "Error in element '")) {
    const auto quote = rest.find('\'');
    if (quote != std::string_view::npos) {
      const std::string_view element = rest.substr(0, quote);
      rest.remove_prefix(quote + 1);
      if (take(rest, " on line ")) {
        const auto line = take_number(rest);
        if (line && take(rest, ", column ")) {
          const auto column = take_number(rest);
          if (column && take(rest, ":")) {
            while (take(rest, " ")) {
            }
            return {*line, *column, std::string(element), std::string(rest)};
          }
        }
      }
    }
  }
  for (std::size_t at = message.rfind("ine "); at != std::string_view::npos && at > 0;
       at = at == 0 ? std::string_view::npos : message.rfind("ine ", at - 1)) {
    if (message[at - 1] != 'L' && message[at - 1] != 'l') continue;
    rest = message.substr(at + 4);
    const auto line = take_number(rest);
    if (!line || !(take(rest, ", position ") || take(rest, ", column ") || take(rest, " position "))) continue;
    const auto column = take_number(rest);
    if (!column) continue;
    fault.line = *line;
    fault.column = *column;
    break;
  }
  return fault;
}

void read_details(const json::Value& error, ArmFailure& failure, int depth) {
  const json::Value* details = error.find("details");
  const json::Array* list = details != nullptr ? details->as_array() : nullptr;
  if (list == nullptr) return;
  for (const json::Value& detail : *list) {
    if (failure.faults.size() >= 100) return;
    const std::string* message = detail.find_string("message");
    if (message == nullptr) continue;
    // A template deployment hands on the inner error as JSON text inside a message.
    if (depth < 3 && message->find_first_not_of(" \r\n\t") != std::string::npos &&
        (*message)[message->find_first_not_of(" \r\n\t")] == '{') {
      if (auto inner = json::parse(*message, kLimits)) {
        const json::Value* nested = inner->find("error");
        read_details(nested != nullptr ? *nested : *inner, failure, depth + 1);
        continue;
      }
    }
    const std::string* target = detail.find_string("target");
    failure.faults.push_back(read_fault(*message, target != nullptr ? *target : std::string()));
  }
}

// The members of an error object into `failure`.
void read_error_object(const json::Value& error, ArmFailure& failure) {
  if (const auto* code = error.find_string("code")) failure.code = *code;
  if (const auto* message = error.find_string("message")) failure.message = printable(*message, 1000);
  read_details(error, failure, 0);
  if (failure.code == "ValidationError" && failure.faults.empty() && !failure.message.empty()) {
    failure.faults.push_back(read_fault(failure.message, ""));
  }
}

bool says(const ArmFailure& failure, std::string_view words) {
  if (failure.message.find(words) != std::string::npos) return true;
  return std::any_of(failure.faults.begin(), failure.faults.end(),
                     [&](const ArmFault& fault) { return fault.message.find(words) != std::string::npos; });
}

Kind classify(const ArmFailure& failure) {
  const int status = failure.status;
  if (status == 412) return Kind::replan;
  // An early release said 400 for a changed entity.
  if (status == 400 && says(failure, "Resource was modified since last retrieval")) return Kind::replan;
  if (status == 401 || status == 403 || status == 408 || status == 409 || status == 429) return Kind::wait;
  if (status == 422 && failure.code == "ManagementApiRequestFailed") return Kind::wait;
  if (status >= 400 && status < 500) return Kind::refused;
  return Kind::wait;  // 5xx, and every status that makes no sense here
}

bool is_running(std::string_view state) {
  const std::string folded = ascii_lower(state);
  return folded != "succeeded" && folded != "failed" && folded != "canceled" && folded != "cancelled";
}

const std::string* provisioning_state(const json::Value& body) {
  if (const auto* state = body.find_string("provisioningState")) return state;
  const json::Value* properties = body.find("properties");
  return properties != nullptr ? properties->find_string("provisioningState") : nullptr;
}

std::string named_poll_url(const net::HttpResponse& response) {
  std::string url = header_or_empty(response, "azure-asyncoperation");
  return url.empty() ? header_or_empty(response, "location") : url;
}

}  // namespace

std::optional<std::chrono::seconds> retry_after(const net::HttpResponse& response) {
  const std::string* value = response.header("retry-after");
  if (value == nullptr || value->empty()) return std::nullopt;
  std::string_view text = *value;
  const auto seconds = take_number(text);
  if (!seconds || !text.empty()) return std::nullopt;
  return std::chrono::seconds(std::min(*seconds, 3600U));
}

ArmFailure no_answer(const Error& error) {
  ArmFailure failure;
  failure.message = error.message;
  return failure;
}

ArmFailure read_failure(const net::HttpResponse& response) {
  ArmFailure failure;
  failure.status = response.status;
  failure.retry_after = retry_after(response);
  failure.request_id = printable(header_or_empty(response, "x-ms-request-id"), 80);
  if (auto body = json::parse(response.body, kLimits)) {
    const json::Value* error = body->find("error");
    read_error_object(error != nullptr ? *error : *body, failure);
  }
  failure.kind = classify(failure);
  if (failure.message.empty() && failure.code.empty()) {
    const bool html = response.body.find("<html") != std::string::npos || response.body.find("<!DOCTYPE") == 0;
    failure.message = response.body.empty() ? "no reason given"
                      : html                ? "a web page instead of an answer"
                                            : "an answer that is no ARM answer";
  }
  return failure;
}

ArmFailure read_operation_error(std::string_view body) {
  ArmFailure failure;
  failure.status = 400;
  failure.kind = Kind::refused;
  if (auto parsed = json::parse(body, kLimits)) {
    const json::Value* error = parsed->find("error");
    if (error != nullptr && error->as_object() != nullptr) read_error_object(*error, failure);
  }
  if (says(failure, "Resource was modified since last retrieval")) failure.kind = Kind::replan;
  if (failure.code == "PessimisticConcurrencyConflict" || failure.code == "Conflict" ||
      failure.code == "ManagementApiRequestFailed" || failure.code == "InternalServerError") {
    failure.kind = Kind::wait;
  }
  if (failure.message.empty()) failure.message = "the operation failed without a reason";
  return failure;
}

std::expected<StoredPolicy, ArmFailure> read_policy(const net::HttpResponse& response) {
  StoredPolicy policy;
  policy.etag = header_or_empty(response, "etag");
  if (header_or_empty(response, "content-type").find("xml") != std::string::npos) {
    policy.text = response.body;  // some replies come without the envelope
    return policy;
  }
  const auto garbage = [&](std::string what) {
    ArmFailure failure;
    failure.status = response.status;
    failure.message = "an answer that is no policy: " + what;
    failure.request_id = printable(header_or_empty(response, "x-ms-request-id"), 80);
    return std::unexpected(failure);
  };
  auto body = json::parse(response.body, kLimits);
  if (!body) return garbage(body.error().message);
  const json::Value* properties = body->find("properties");
  const std::string* value = properties != nullptr ? properties->find_string("value") : nullptr;
  if (value == nullptr) return garbage("no properties.value in it");
  policy.text = *value;
  if (const auto* description = properties->find_string("description")) policy.description = *description;
  return policy;
}

OperationState read_write_answer(const net::HttpResponse& response) {
  OperationState state;
  state.retry_after = retry_after(response);
  std::optional<std::string> named;
  if (auto body = json::parse(response.body, kLimits)) {
    if (const auto* found = provisioning_state(*body)) named = *found;
  }
  if (named) {
    const std::string folded = ascii_lower(*named);
    if (folded == "failed" || folded == "canceled" || folded == "cancelled") {
      state.state = OperationState::State::failed;
      return state;
    }
  }
  if (response.status == 202 || (named && is_running(*named))) {
    state.state = OperationState::State::running;
    state.poll_url = named_poll_url(response);
  } else if (!named && response.header("azure-asyncoperation") != nullptr) {
    state.state = OperationState::State::running;
    state.poll_url = named_poll_url(response);
  }
  return state;
}

OperationState read_poll_answer(const net::HttpResponse& response) {
  OperationState state;
  state.retry_after = retry_after(response);
  if (response.status == 202) {
    state.state = OperationState::State::running;
    state.poll_url = named_poll_url(response);
    return state;
  }
  if (response.body.empty()) return state;  // 200 or 204 without a body: done
  auto body = json::parse(response.body, kLimits);
  if (!body) {
    // A resource that comes as bare XML is there; anything else is a hiccup of a front end.
    const bool xml = header_or_empty(response, "content-type").find("xml") != std::string::npos;
    state.state = xml ? OperationState::State::succeeded : OperationState::State::running;
    return state;
  }
  const std::string* status = body->find_string("status");
  if (status == nullptr) status = provisioning_state(*body);
  if (status == nullptr) return state;
  if (is_running(*status)) {
    state.state = OperationState::State::running;
  } else if (ascii_lower(*status) != "succeeded") {
    state.state = OperationState::State::failed;
  }
  return state;
}

bool is_same_service(std::string_view endpoint, std::string_view url) {
  struct Parts {
    std::string scheme, host, port;
  };
  const auto split = [](std::string_view text) -> std::optional<Parts> {
    for (const unsigned char c : text)
      if (c <= 0x20 || c >= 0x7f || c == '\\') return std::nullopt;
    Parts parts;
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) return std::nullopt;
    parts.scheme = ascii_lower(text.substr(0, colon));
    std::string_view authority = text.substr(colon + 3);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    if (authority.find('@') != std::string_view::npos) return std::nullopt;
    const auto bracket = authority.rfind(']');
    const auto port = authority.rfind(':');
    if (port != std::string_view::npos && (bracket == std::string_view::npos || port > bracket)) {
      parts.port = authority.substr(port + 1);
      authority = authority.substr(0, port);
      if (parts.port.empty() || parts.port.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    } else {
      parts.port = parts.scheme == "https" ? "443" : "80";
    }
    parts.host = ascii_lower(authority);
    if (parts.host.empty()) return std::nullopt;
    return parts;
  };
  const auto ours = split(endpoint);
  const auto theirs = split(url);
  if (!ours || !theirs || ours->scheme != theirs->scheme || ours->port != theirs->port) return false;
  if (ours->host == theirs->host) return true;
  const bool name = ours->host.find_first_not_of("0123456789.") != std::string::npos && ours->host.front() != '[';
  return name && theirs->host.ends_with("." + ours->host);
}

std::vector<std::string> describe_faults(const ArmFailure& failure, std::string_view file) {
  std::vector<std::string> lines;
  for (const ArmFault& fault : failure.faults) {
    const std::string place = fault.line > 0 ? fmt::format(":{}:{}", fault.line, fault.column) : "";
    lines.push_back(fmt::format("{}{}: error: {} [arm {}]", printable(file), place, printable(fault.message, 600),
                                failure.code.empty() ? std::to_string(failure.status) : printable(failure.code, 60)));
  }
  return lines;
}

}  // namespace postern::deploy
