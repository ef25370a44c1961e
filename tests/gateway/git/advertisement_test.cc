#include "gateway/git/advertisement.h"

#include <catch2/catch.hpp>

using namespace postern;
using namespace postern::git;

namespace {

std::string frame(std::string_view payload) {
  std::string out;
  append_pkt(out, payload);
  return out;
}

const std::string kId(40, 'a');

std::string receive_pack(const std::string& caps) {
  return frame("# service=git-receive-pack\n") + "0000" + frame(kId + " refs/heads/main" + '\0' + caps + "\n") +
         frame(kId + " refs/heads/b\n") + frame(kId + " .have\n") + "0000";
}

}  // namespace

TEST_CASE("push-cert is taken out and lengths are written anew") {
  const std::string in = receive_pack("report-status push-cert=1234-abcd push-options object-format=sha1 agent=git/2");
  for (std::size_t piece = 1; piece <= in.size(); ++piece) {
    AdvertisementRewriter rewriter(Service::receive_pack);
    std::string out;
    for (std::size_t at = 0; at < in.size(); at += piece) {
      REQUIRE(rewriter.feed(std::string_view(in).substr(at, piece), out).has_value());
    }
    REQUIRE(rewriter.finish().has_value());
    CHECK(out == receive_pack("report-status push-options object-format=sha1 agent=git/2"));
    CHECK(rewriter.offers_push_options());
    CHECK(rewriter.offers_report_status());
    CHECK(rewriter.object_format() == "sha1");
  }
}

TEST_CASE("an upstream that offers no push options is seen") {
  AdvertisementRewriter rewriter(Service::receive_pack);
  std::string out;
  REQUIRE(rewriter.feed(receive_pack("report-status"), out).has_value());
  CHECK(rewriter.saw_capabilities());
  CHECK_FALSE(rewriter.offers_push_options());
}

TEST_CASE("version 1 and an empty repository are read") {
  const std::string in = frame("# service=git-upload-pack\n") + "0000" + frame("version 1\n") +
                         frame(std::string(40, '0') + " capabilities^{}" + '\0' + "multi_ack\n") + "0000";
  AdvertisementRewriter rewriter(Service::upload_pack);
  std::string out;
  REQUIRE(rewriter.feed(in, out).has_value());
  REQUIRE(rewriter.finish().has_value());
  CHECK(out == in);
}

TEST_CASE("version 2 loses what leads the client elsewhere") {
  const std::string in = frame("version 2\n") + frame("agent=git/2\n") + frame("bundle-uri\n") +
                         frame("bundle-uri=x\n") + frame("promisor-remote=name=a\n") + frame("promisor-remote\n") +
                         frame("fetch=shallow packfile-uris filter\n") + frame("object-format=sha256\n") + "0000";
  AdvertisementRewriter rewriter(Service::upload_pack);
  std::string out;
  REQUIRE(rewriter.feed(in, out).has_value());
  REQUIRE(rewriter.finish().has_value());
  CHECK(out == frame("version 2\n") + frame("agent=git/2\n") + frame("fetch=shallow filter\n") +
                   frame("object-format=sha256\n") + "0000");
  CHECK(rewriter.object_format() == "sha256");
}

// git reads capabilities behind the NUL of any line: on a later one they would go by unseen, push-cert among them.
TEST_CASE("capabilities after the first ref are no advertisement") {
  AdvertisementRewriter rewriter(Service::receive_pack);
  std::string out;
  const std::string id(40, '1');
  const Status fed = rewriter.feed(frame("# service=git-receive-pack\n") + "0000" +
                                       frame(id + " refs/heads/a" + '\0' + "report-status\n") +
                                       frame(id + " refs/heads/b" + '\0' + "push-cert=nonce\n") + "0000",
                                   out);
  REQUIRE_FALSE(fed.has_value());
  CHECK(fed.error().message == "advertisement: capabilities after the first ref");
  CHECK(out.find("push-cert") == std::string::npos);
}

// Gogs answers 200 with an empty advertisement when its git fails; a client would see an empty repository.
TEST_CASE("an empty or cut advertisement is an error") {
  AdvertisementRewriter empty(Service::receive_pack);
  CHECK_FALSE(empty.finish().has_value());
  AdvertisementRewriter hollow(Service::receive_pack);
  std::string out;
  REQUIRE(hollow.feed(frame("# service=git-receive-pack\n") + "0000", out).has_value());
  CHECK_FALSE(hollow.finish().has_value());
  AdvertisementRewriter cut(Service::receive_pack);
  const std::string whole = receive_pack("report-status");
  REQUIRE(cut.feed(std::string_view(whole).substr(0, whole.size() - 4), out).has_value());
  CHECK_FALSE(cut.finish().has_value());
}

TEST_CASE("the advertisement of another service is an error") {
  std::string out;
  for (const std::string& in :
       {frame("# service=git-upload-pack\n"), std::string("<html>"), std::string("0000"), frame("version 2\n")}) {
    AdvertisementRewriter rewriter(Service::receive_pack);
    CHECK_FALSE(rewriter.feed(in, out).has_value());
  }
}
