// What Azure Resource Manager answers, read without trusting a byte of it. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/http_client.h"

namespace postern::deploy {

// A fault that ARM found in a policy text. Line and column are 1-based and refer to the text as it was sent; 0:
// unknown.
struct ArmFault {
  unsigned line = 0;
  unsigned column = 0;
  std::string element;  // may be empty
  std::string message;  // without the position
  bool operator==(const ArmFault&) const = default;
};

// Why a call did not do what was asked.
struct ArmFailure {
  enum class Kind {
    wait,     // not our fault: try again later (401, 403, 408, 409, 429, 5xx, garbage, network)
    replan,   // the resource changed since it was read (412): read, plan and try again
    refused,  // ARM will say the same next time (other 4xx)
  };
  Kind kind = Kind::wait;
  int status = 0;       // 0: no answer
  std::string code;     // "ValidationError"; may be empty
  std::string message;  // one line
  std::optional<std::chrono::seconds> retry_after;
  std::vector<ArmFault> faults;
  std::string request_id;  // x-ms-request-id, for a support case
};

// The failure in an answer whose status is not the one that was hoped for.
ArmFailure read_failure(const net::HttpResponse& response);
// The same for the `error` object of a long-running operation that ended as Failed or Canceled.
ArmFailure read_operation_error(std::string_view body);
ArmFailure no_answer(const Error& error);

// Retry-After in seconds (digits; an HTTP date is not used by ARM and gives nullopt), at most an hour.
std::optional<std::chrono::seconds> retry_after(const net::HttpResponse& response);

// A policy or fragment as GET ?format=rawxml gives it.
struct StoredPolicy {
  std::string text;
  std::string etag;         // verbatim with its quotes; may be empty
  std::string description;  // fragments
};
// wait-failure for anything that is no such answer.
std::expected<StoredPolicy, ArmFailure> read_policy(const net::HttpResponse& response);

// Where a write stands after its first answer or a poll.
struct OperationState {
  enum class State { running, succeeded, failed } state = State::succeeded;
  std::string poll_url;  // of a running one: what the answer named, unchecked; empty: nothing named
  std::optional<std::chrono::seconds> retry_after;
};
// The answer to a PUT (200, 201, 202): running when it is 202, or its provisioningState is not terminal.
OperationState read_write_answer(const net::HttpResponse& response);
// The answer of a poll URL: an operation resource ({"status": …}), the resource itself, 202, or nothing.
OperationState read_poll_answer(const net::HttpResponse& response);

// True when a bearer token for `endpoint` may go to `url`: same scheme and port, and the same host or a subdomain of
// it (regional front ends). Anything odd (user info, backslashes, control characters) is false.
bool is_same_service(std::string_view endpoint, std::string_view url);

// "apis/orders/policy.xml:19:7: error: The element … [arm ValidationError]", one line per fault.
std::vector<std::string> describe_faults(const ArmFailure& failure, std::string_view file);

}  // namespace postern::deploy
