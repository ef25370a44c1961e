// What we write is read by git itself, and what git writes is read by us.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "gateway/git/advertisement.h"
#include "gateway/git/command_list.h"
#include "gateway/git/report_status.h"

using namespace postern;
using namespace postern::git;
namespace fs = std::filesystem;

namespace {

// A bare repository whose main has one commit and which offers push options; its pre-receive shows them.
struct Bare {
  std::string path;
  Bare() {
    std::string pattern = "/tmp/postern-git-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
    sh("git init -q --bare . && git config receive.advertisePushOptions true && "
       "git update-ref refs/heads/main $(git commit-tree -m x $(git mktree </dev/null)) && "
       "git update-ref refs/heads/side main");
    std::ofstream(path + "/hooks/pre-receive")
        << "#!/bin/sh\necho \"$GIT_PUSH_OPTION_COUNT $GIT_PUSH_OPTION_0 $GIT_PUSH_OPTION_1\" >&2\n[ ! -e refuse ]\n";
    fs::permissions(path + "/hooks/pre-receive", fs::perms::owner_all);
  }
  ~Bare() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string sh(const std::string& command) const {
    const std::string whole = "cd " + path +
                              " && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a "
                              "GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b && { " +
                              command + "; }";
    FILE* pipe = ::popen(whole.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error("popen");
    std::string out;
    char buffer[4096];
    for (std::size_t got; (got = ::fread(buffer, 1, sizeof buffer, pipe)) > 0;) out.append(buffer, got);
    if (::pclose(pipe) != 0) throw std::runtime_error(command);
    return out;
  }
  ObjectId id(const std::string& name) const { return *ObjectId::parse(sh("git rev-parse " + name).substr(0, 40)); }
  // The answer of git receive-pack to a request body.
  std::string receive_pack(const std::string& body) const {
    std::ofstream(path + "/body", std::ios::binary) << body;
    return sh("git receive-pack --stateless-rpc . <body");
  }
};

PushRequest deletion(const Bare& bare) {
  PushRequest request;
  request.capabilities.report_status_v2 = true;
  request.capabilities.side_band_64k = true;
  request.commands = {{bare.id("side"), ObjectId::zero(), "refs/heads/side"}};
  return request;
}

}  // namespace

TEST_CASE("git reads the head that we write and its hooks see the ticket behind the client's option") {
  const Bare bare;
  PushRequest request = deletion(bare);
  request.options = {"mine"};
  const std::vector<std::string> added{"postern-ticket=abc"};
  const std::string answer = bare.receive_pack(write_push_head(request, added));
  ReportReader reader(true);
  std::string progress;
  REQUIRE(reader.feed(answer, progress).has_value());
  const auto report = reader.finish();
  REQUIRE(report.has_value());
  CHECK(progress.find("2 mine postern-ticket=abc\n") != std::string::npos);
  CHECK(report->unpack == "ok");
  REQUIRE(report->find("refs/heads/side") != nullptr);
  CHECK(report->find("refs/heads/side")->ok);
  CHECK(progress + reader.rest(*report) == answer);
}

TEST_CASE("git's report of a refused push is read and the reason put in") {
  const Bare bare;
  bare.sh("touch refuse");
  const std::vector<std::string> added{"postern-ticket=abc"};
  ReportReader reader(true);
  std::string progress;
  REQUIRE(reader.feed(bare.receive_pack(write_push_head(deletion(bare), added)), progress).has_value());
  Result<PushReport> report = reader.finish();
  REQUIRE(report.has_value());
  CHECK(report->find("refs/heads/side")->reason == kHookDeclined);
  CHECK(replace_hook_reasons(*report, {{"refs/heads/side", "delete is not granted"}}));
  CHECK(reader.rest(*report).find("ng refs/heads/side delete is not granted\n") != std::string::npos);
}

TEST_CASE("git answers a probe with nothing") {
  const Bare bare;
  ReportReader reader(true);
  std::string out;
  REQUIRE(reader.feed(bare.receive_pack("0000"), out).has_value());
  CHECK(out.empty());
  CHECK_FALSE(reader.finish()->has_report());
}

TEST_CASE("git's own advertisement is read") {
  const Bare bare;
  std::string advertisement;
  append_pkt(advertisement, "# service=git-receive-pack\n");
  advertisement += kFlushPkt;
  advertisement += bare.sh("git receive-pack --http-backend-info-refs .");
  AdvertisementRewriter rewriter(Service::receive_pack);
  std::string out;
  REQUIRE(rewriter.feed(advertisement, out).has_value());
  REQUIRE(rewriter.finish().has_value());
  CHECK(rewriter.offers_push_options());
  CHECK(rewriter.offers_report_status());
  CHECK(out == advertisement);
}
