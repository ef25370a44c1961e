#include "gateway/net/response_parser.h"

#include <algorithm>
#include <array>

#include "gateway/base/encoding.h"

namespace postern::net {
namespace {

constexpr int kInterimMax = 8;
constexpr std::size_t kHeadUsual = 4096;
constexpr std::size_t kChunkLineMax = 16;  // hex digits of a chunk's size

std::unexpected<Error> broken(std::string_view what) {
  return fail(ErrorCode::invalid_input, "the upstream's answer is no HTTP: " + std::string(what));
}

constexpr std::array<bool, 256> kTokenBytes = [] {
  std::array<bool, 256> table{};
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return kTokenBytes[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A member of a comma-separated list, in any case.
bool lists(std::string_view value, std::string_view member) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    if (ascii_lower(trim(value.substr(0, comma))) == member) return true;
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

std::optional<std::string_view> UpstreamResponse::header(std::string_view lower_case_name) const {
  for (const Field& field : fields) {
    if (name_of(field) == lower_case_name) return value_of(field);
  }
  return std::nullopt;
}

void ResponseParser::restart(bool head_request) {
  head_request_ = head_request;
  head_done_ = false;
  interim_ = 0;
  line_.clear();
  forget_response();
  body_ = Body::counted;
  remaining_ = 0;
}

// Memory that an unusual head took is not kept.
void ResponseParser::forget_response() {
  UpstreamResponse fresh;
  if (response_.head.capacity() <= kHeadUsual) {
    fresh.head = std::move(response_.head);
    fresh.head.clear();
    fresh.fields = std::move(response_.fields);
    fresh.fields.clear();
  }
  response_ = std::move(fresh);
}

Result<bool> ResponseParser::feed_head(std::string_view& input) {
  while (!head_done_) {
    // The common case: the whole head in one piece, without a copy.
    std::string_view head;
    if (line_.empty()) {
      const std::size_t end = input.find("\r\n\r\n");
      if (end != std::string_view::npos) {
        head = input.substr(0, end + 2);
        input.remove_prefix(end + 4);
      }
    }
    if (head.empty()) {
      if (input.empty()) return false;
      const std::size_t before = line_.size();
      line_.append(input.substr(0, kResponseHeadMax + 4 - std::min(before, kResponseHeadMax)));
      const std::size_t end = line_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
      if (end == std::string::npos) {
        if (line_.size() > kResponseHeadMax) return broken("its head is longer than 32 KiB");
        input = {};
        return false;
      }
      input.remove_prefix(end + 4 - before);
      line_.resize(end + 2);
      head = line_;
    }
    if (head.size() > kResponseHeadMax) return broken("its head is longer than 32 KiB");
    forget_response();
    if (Status taken = take_head(head); !taken) return fail(taken.error());
    line_.clear();
    if (response_.status >= 200) {
      if (Status framed = frame(); !framed) return fail(framed.error());
      head_done_ = true;
    } else if (response_.status == 101 || ++interim_ > kInterimMax) {
      return broken("an interim answer that nobody asked for");
    }
  }
  return true;
}

Status ResponseParser::take_head(std::string_view head) {
  const std::size_t line_end = head.find("\r\n");
  const std::string_view status = head.substr(0, line_end);
  // "HTTP/1.1 200 OK"; the reason may be empty, and its blank is often left out.
  if (status.size() < 12 || !(status.starts_with("HTTP/1.1 ") || status.starts_with("HTTP/1.0 ")) ||
      !is_digit(status[9]) || !is_digit(status[10]) || !is_digit(status[11]) ||
      (status.size() > 12 && status[12] != ' ') || !is_field_value(status)) {
    return broken("its status line");
  }
  http10_ = status[7] == '0';
  response_.status = (status[9] - '0') * 100 + (status[10] - '0') * 10 + (status[11] - '0');
  if (response_.status < 100 || response_.status > 599) return broken("its status");
  head.remove_prefix(line_end + 2);
  response_.head = head;
  response_.fields.reserve(12);
  const char* const begin = head.data();
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return broken("the name of a header");
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_field_value(value)) return broken("the value of a header");
    if (response_.fields.size() == kResponseHeadersMax) return broken("it has more than 128 headers");
    const auto at = static_cast<std::uint32_t>(line.data() - begin);
    for (std::size_t i = at; i < at + colon; ++i) {
      char& c = response_.head[i];
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    response_.fields.push_back({at, static_cast<std::uint32_t>(colon), static_cast<std::uint32_t>(value.data() - begin),
                                static_cast<std::uint32_t>(value.size())});
  }
  return {};
}

// RFC 9112 §6.3.
Status ResponseParser::frame() {
  bool has_length = false;
  bool closes = http10_;
  std::uint64_t length = 0;
  for (const UpstreamResponse::Field& field : response_.fields) {
    const std::string_view name = response_.name_of(field);
    const std::string_view value = response_.value_of(field);
    if (name == "content-length") {
      if (has_length) return broken("Content-Length stands there more than once");
      has_length = true;
      if (value.empty() || value.size() > 18 || !std::all_of(value.begin(), value.end(), is_digit)) {
        return broken("its Content-Length");
      }
      for (const char c : value) length = length * 10 + static_cast<std::uint64_t>(c - '0');
    } else if (name == "transfer-encoding") {
      if (response_.chunked || ascii_lower(value) != "chunked") return broken("its Transfer-Encoding");
      if (http10_) return broken("HTTP/1.0 has no Transfer-Encoding");
      response_.chunked = true;
    } else if (name == "connection") {
      if (lists(value, "close")) closes = true;
      if (http10_ && lists(value, "keep-alive")) closes = false;
    }
  }
  if (has_length && response_.chunked) return broken("Content-Length and Transfer-Encoding exclude each other");
  response_.keep_alive = !closes;
  if (head_request_ || response_.status == 204 || response_.status == 304) {
    response_.length = 0;
    response_.chunked = false;
    body_ = Body::done;
  } else if (response_.chunked) {
    body_ = Body::chunk_size;
  } else if (has_length) {
    response_.length = length;
    remaining_ = length;
    body_ = length == 0 ? Body::done : Body::counted;
  } else {
    response_.keep_alive = false;
    body_ = Body::until_close;
  }
  return {};
}

Result<std::string_view> ResponseParser::feed_body(std::string_view& input) {
  while (true) {
    switch (body_) {
      case Body::done: return std::string_view{};
      case Body::until_close: return std::exchange(input, {});
      case Body::counted:
      case Body::chunk_data: {
        const std::string_view piece =
            input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size())));
        input.remove_prefix(piece.size());
        remaining_ -= piece.size();
        if (remaining_ == 0) body_ = body_ == Body::counted ? Body::done : Body::chunk_end;
        if (piece.empty() && remaining_ > 0) return piece;
        if (!piece.empty()) return piece;
        break;
      }
      case Body::chunk_size:
      case Body::chunk_end:
      case Body::last_line: {
        const std::size_t want = body_ == Body::chunk_size ? kChunkLineMax + 2 : 2;
        while (!input.empty() && !line_.ends_with("\r\n")) {
          if (line_.size() == want) return broken("a line of its chunked body");
          line_.push_back(input.front());
          input.remove_prefix(1);
        }
        if (!line_.ends_with("\r\n")) return std::string_view{};
        const std::string_view line = std::string_view(line_).substr(0, line_.size() - 2);
        if (body_ == Body::chunk_size) {
          if (line.empty()) return broken("a chunk without a size");
          std::uint64_t size = 0;
          for (const char c : line) {
            const int digit = is_digit(c)              ? c - '0'
                              : (c >= 'a' && c <= 'f') ? c - 'a' + 10
                              : (c >= 'A' && c <= 'F') ? c - 'A' + 10
                                                       : -1;
            if (digit < 0) return broken("the size of a chunk");
            if (size >> 59 != 0) return broken("a chunk larger than can be");
            size = size << 4 | static_cast<std::uint64_t>(digit);
          }
          remaining_ = size;
          body_ = size == 0 ? Body::last_line : Body::chunk_data;
        } else {
          if (!line.empty()) return broken(body_ == Body::chunk_end ? "the end of a chunk" : "trailers after its body");
          body_ = body_ == Body::chunk_end ? Body::chunk_size : Body::done;
        }
        line_.clear();
        break;
      }
    }
  }
}

Status ResponseParser::finish() {
  if (!head_done_) return broken("the connection ended before its head did");
  if (body_ == Body::until_close) body_ = Body::done;
  if (body_ != Body::done) return broken("the connection ended before its body did");
  return {};
}

}  // namespace postern::net
