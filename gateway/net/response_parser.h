// An HTTP/1.1 response taken apart (RFC 9112), strictly: what two readers could frame differently is an error, and the
// connection it came on must be closed. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/base/result.h"

namespace postern::net {

// Value: the head of an upstream's answer.
struct UpstreamResponse {
  int status = 0;
  std::optional<std::uint64_t> length;  // none: chunked, or until the connection ends
  bool chunked = false;
  bool keep_alive = true;
  // The first of that name; valid while this lives unchanged.
  std::optional<std::string_view> header(std::string_view lower_case_name) const;

  // The header fields as they came, with their names in lower case, and where each stands in them.
  struct Field {
    std::uint32_t name = 0, name_size = 0, value = 0, value_size = 0;
  };
  std::string head;
  std::vector<Field> fields;
  std::string_view name_of(const Field& field) const {
    return std::string_view(head).substr(field.name, field.name_size);
  }
  std::string_view value_of(const Field& field) const {
    return std::string_view(head).substr(field.value, field.value_size);
  }
};

inline constexpr std::size_t kResponseHeadMax = std::size_t{32} << 10;
inline constexpr std::size_t kResponseHeadersMax = 128;

// One response. Interim ones (1xx) are skipped; 101 is an error, since we never ask for it.
class ResponseParser {
 public:
  // `head_request`: the answer to HEAD has no body whatever it says.
  explicit ResponseParser(bool head_request = false) : head_request_(head_request) {}
  // Another response, in the memory of the last one.
  void restart(bool head_request);

  // Takes bytes of the head off the front of `input`. True once the head is whole.
  Result<bool> feed_head(std::string_view& input);
  const UpstreamResponse& response() const { return response_; }
  bool head_done() const { return head_done_; }

  // Takes framing off the front of `input` and returns the next piece of the body, a view into what `input` was; empty
  // when more input is needed or the body has ended.
  Result<std::string_view> feed_body(std::string_view& input);
  bool body_done() const { return head_done_ && body_ == Body::done; }
  // At the end of the connection. invalid_input: in the middle of something.
  Status finish();

 private:
  enum class Body { counted, until_close, chunk_size, chunk_data, chunk_end, last_line, done };

  void forget_response();
  Status take_head(std::string_view head);
  Status frame();

  bool head_request_;
  bool head_done_ = false;
  int interim_ = 0;
  std::string line_;  // the head, or a line of the chunked framing, as far as it came
  UpstreamResponse response_;
  bool http10_ = false;
  Body body_ = Body::counted;
  std::uint64_t remaining_ = 0;
};

}  // namespace postern::net
