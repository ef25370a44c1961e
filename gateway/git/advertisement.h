// The answer to GET …/info/refs?service=…, passed on with the capabilities taken out that would lead around us.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.h"
#include "gateway/git/pkt_line.h"
#include "gateway/git/smart_http.h"

namespace postern::git {

// Rewrites a v0, v1 or (upload-pack) v2 advertisement while it streams by. Taken out: push-cert (commands inside a
// certificate would be judged by another reader), and for v2 bundle-uri, packfile-uris and promisor-remote (they send
// the client elsewhere). Lengths are written anew. Holds at most one packet.
class AdvertisementRewriter {
 public:
  explicit AdvertisementRewriter(Service service) : service_(service) {}

  // Appends to `out` what goes to the client. invalid_input: no advertisement of this service.
  Status feed(std::string_view bytes, std::string& out);
  // At the end of the body. invalid_input: cut short, or no capabilities at all. (Gogs answers 200 with an empty body
  // where its git failed; that must not look like an empty repository.)
  Status finish() const;

  // True once the capabilities went by; the three below mean something only then.
  bool saw_capabilities() const { return saw_capabilities_; }
  bool offers_push_options() const { return push_options_; }
  bool offers_report_status() const { return report_status_; }
  const std::string& object_format() const { return object_format_; }  // "sha1" where none was named

 private:
  Status take(const Pkt& pkt, std::string& out);
  void append_capabilities(std::string& out, std::string_view list);

  Service service_;
  PktReader reader_;
  unsigned packets_ = 0;
  bool saw_service_ = false;
  bool version2_ = false;
  bool saw_capabilities_ = false;
  bool ended_ = false;
  bool error_ = false;
  bool push_options_ = false;
  bool report_status_ = false;
  std::string object_format_ = "sha1";
};

}  // namespace postern::git
