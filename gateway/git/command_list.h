// The head of a receive-pack request: everything before the pack (gitprotocol-pack, "Reference Update Request").
//
// git's own reader is lenient in ways that let two readers see different commands (any non-data packet ends the list,
// every line may carry capabilities, shallow lines may stand anywhere). This one takes a single spelling: what it
// accepts, git reads the same way, all the more since the gateway sends write_push_head(), never the bytes it received.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/result.h"
#include "gateway/git/object_id.h"
#include "gateway/git/pkt_line.h"
#include "gateway/git/ref_update.h"

namespace postern::git {

// Value: what the client asked for behind the NUL of its first command. Names we do not know are dropped: a server may
// read them in ways that we did not judge.
struct PushCapabilities {
  bool report_status = false;
  bool report_status_v2 = false;
  bool side_band_64k = false;
  bool quiet = false;
  bool atomic = false;
  bool push_options = false;
  std::string object_format;  // "sha1", "sha256" or empty, which means sha1
  std::string agent;          // may be empty
  std::string session_id;     // may be empty
  bool reports() const { return report_status || report_status_v2; }
};

// Value: the head of a push.
struct PushRequest {
  std::vector<ObjectId> shallow;
  std::vector<RefUpdate> commands;
  PushCapabilities capabilities;
  std::vector<std::string> options;  // the client's own push options, without line ends
  // The body is exactly `0000`: git's probe before a large push. No command, no pack; the answer is an empty result.
  bool is_probe = false;
  // False when every command deletes (and for the probe): then not one byte follows the head.
  bool expects_pack = false;
};

struct PushHeadLimits {
  std::size_t head_bytes = std::size_t{8} << 20;
  std::size_t commands = 20000;
  std::size_t shallow = 20000;
  std::size_t option_bytes = std::size_t{64} << 10;  // all of the client's own options
};

// Reads a head in whatever pieces it comes. Holds the parsed request, never the bytes; bounded by its limits.
class PushHeadParser {
 public:
  enum class State {
    more,      // not at its end yet
    complete,  // request() is whole
    refused,   // request() is whole, and at least one command must not be forwarded: see refusals()
  };

  explicit PushHeadParser(const PushHeadLimits& limits = {}) : limits_(limits) {}

  // Takes bytes off the front of `input`; once the state is no longer `more`, what is left in `input` is the pack.
  // An error is a request that cannot be answered ref by ref (400): truncated or ambiguous framing, a push
  // certificate, a limit. After an error, or an end, feed must not be called again.
  Result<State> feed(std::string_view& input);
  // To be called when the body ends: an error when the head is not whole.
  Status finish() const;

  const PushRequest& request() const { return request_; }
  // One reason per command, in their order; empty where there is nothing against it.
  const std::vector<std::string>& refusals() const { return refusals_; }
  // How many bytes of the body the head took: the offset at which the pack begins.
  std::uint64_t head_bytes() const { return head_bytes_; }

 private:
  enum class Part { commands, options, done };
  Status take(const Pkt& pkt);
  Status take_command(std::string_view payload);
  Status take_shallow(std::string_view line);
  Status take_capabilities(std::string_view text);
  Status end_commands();
  Status end_head();

  PushHeadLimits limits_;
  PktReader reader_;
  PushRequest request_;
  std::vector<std::string> refusals_;
  std::uint64_t head_bytes_ = 0;
  std::size_t option_bytes_ = 0;
  Part part_ = Part::commands;
  bool refused_ = false;
};

// Judges what follows the head: a pack where one is due, nothing where none is. Feed it the whole rest of the body.
class PackGuard {
 public:
  explicit PackGuard(bool expects_pack) : expects_pack_(expects_pack) {}
  Status feed(std::string_view bytes);  // invalid_input: not "PACK", or bytes after a head that has no pack
  Status finish() const;                // invalid_input: the pack is missing

 private:
  bool expects_pack_;
  std::size_t seen_ = 0;  // bytes of the signature seen so far, at most 4
};

// The head as the upstream gets it: canonical framing, the client's own options first and `added_options` after them,
// the push-options capability listed when there is any option or the client listed it. A probe is `0000`.
std::string write_push_head(const PushRequest& request, std::span<const std::string> added_options);

}  // namespace postern::git
