#include "gateway/git/smart_http.h"

#include <catch2/catch.hpp>

using namespace postern::git;

TEST_CASE("the served requests are classified and forwarded in one spelling") {
  struct Case {
    const char* method;
    const char* target;
    const char* forwarded;
  };
  const std::string oid(64, 'a');
  const std::string object = "/o/r.git/info/lfs/objects/basic/" + oid;
  const std::vector<Case> cases{
      {"GET", "/o/r/info/refs?service=git-upload-pack", "/o/r.git/info/refs?service=git-upload-pack"},
      {"GET", "/O/R.git/info/refs?service=git-receive-pack", "/o/r.git/info/refs?service=git-receive-pack"},
      {"POST", "/o/r.git/git-upload-pack", "/o/r.git/git-upload-pack"},
      {"POST", "/o/r/git-receive-pack", "/o/r.git/git-receive-pack"},
      {"POST", "/o/r.wiki.git/git-receive-pack", "/o/r.wiki.git/git-receive-pack"},
      {"POST", "/o/r/info/lfs/objects/batch", "/o/r.git/info/lfs/objects/batch"},
      {"POST", "/o/r/info/lfs/objects/basic/verify", "/o/r.git/info/lfs/objects/basic/verify"},
      {"GET", object.c_str(), object.c_str()},
      {"PUT", object.c_str(), object.c_str()},
  };
  for (const Case& c : cases) {
    INFO(c.method << " " << c.target);
    const auto request = classify(c.method, c.target);
    REQUIRE(request.has_value());
    CHECK(upstream_target(*request) == c.forwarded);
  }
  CHECK(classify("GET", "/o/r/info/refs?service=git-receive-pack")->service == Service::receive_pack);
  CHECK(classify("POST", "/o/r/git-receive-pack")->action == Action::rpc);
  CHECK(classify("PUT", object)->action == Action::lfs_upload);
  CHECK(classify("GET", object)->lfs_oid == oid);
}

// The service in mixed case is dispatched by Gogs as a push although it was judged as a read.
TEST_CASE("a service name in mixed case is not served") {
  for (const char* target : {"/o/r.git/git-RECEIVE-pack", "/o/r.git/Git-receive-pack", "/o/r.git/GIT-UPLOAD-PACK",
                             "/o/r.git/git-receive-pacK"}) {
    CHECK_FALSE(classify("POST", target).has_value());
  }
  CHECK_FALSE(classify("GET", "/o/r/info/refs?service=git-Receive-pack").has_value());
  CHECK_FALSE(classify("GET", "/o/r/INFO/refs?service=git-receive-pack").has_value());
}

TEST_CASE("only the two literal queries are served") {
  for (const char* target :
       {"/o/r/info/refs", "/o/r/info/refs?", "/o/r/info/refs?service=", "/o/r/info/refs?Service=git-upload-pack",
        "/o/r/info/refs?service=git-upload-pack&service=git-receive-pack", "/o/r/info/refs?service=git-upload-pack&",
        "/o/r/info/refs?%73ervice=git-upload-pack", "/o/r/info/refs?service=git%2Dreceive%2Dpack",
        "/o/r/info/refs?go-get=1", "/o/r/info/refs?service=git-upload-pack?",
        "/o/r/info/refs?service=git-upload-pack#x", "/o/r/info/refs?service=git-upload-archive"}) {
    INFO(target);
    CHECK_FALSE(classify("GET", target).has_value());
  }
  CHECK_FALSE(classify("POST", "/o/r/git-receive-pack?service=git-upload-pack").has_value());
  CHECK_FALSE(classify("POST", "/o/r/git-receive-pack?").has_value());
}

TEST_CASE("dumb and internal paths and other methods are not served") {
  for (const char* target :
       {"/o/r/HEAD", "/o/r/objects/info/packs", "/o/r/objects/info/alternates", "/o/r/tasks/trigger", "/o/r", "/o/r/",
        "/o/r/objects/aa/00000000000000000000000000000000000000", "/", "", "*", "/o", "/o/r/info/lfs/locks",
        "/o/r/git-receive-pack"}) {
    INFO(target);
    CHECK_FALSE(classify("GET", target).has_value());
  }
  CHECK_FALSE(classify("HEAD", "/o/r/info/refs?service=git-upload-pack").has_value());
  CHECK_FALSE(classify("get", "/o/r/info/refs?service=git-upload-pack").has_value());
  CHECK_FALSE(classify("OPTIONS", "/o/r/git-upload-pack").has_value());
}

TEST_CASE("a path that a front and a server could read differently is not served") {
  for (const char* target : {"//o/r/git-receive-pack",        "/o//r/git-receive-pack",
                             "/o/r//git-receive-pack",        "/o/r/git-receive-pack/",
                             "/o/./git-receive-pack",         "/o/../git-receive-pack",
                             "/./o/r/git-receive-pack",       "/x/../o/r/git-receive-pack",
                             "/o/r%2egit/git-receive-pack",   "/o%2fr/git-receive-pack",
                             "/o/r/git%2dreceive-pack",       "/o\\r/git-receive-pack",
                             "/o/r;a=b/git-receive-pack",     "/o/r/info/refs/b.git/git-receive-pack",
                             "/o/r.git.git/git-receive-pack", "/o/r /git-receive-pack",
                             "http://h/o/r/git-receive-pack", "o/r/git-receive-pack",
                             "/-/r/git-receive-pack",         "/o/r%00/git-receive-pack",
                             "/o/...git/../git-receive-pack"}) {
    INFO(target);
    CHECK_FALSE(classify("POST", target).has_value());
  }
  CHECK_FALSE(classify("POST", std::string_view("/o/r\0/git-receive-pack", 22)).has_value());
}

TEST_CASE("an LFS object id has one spelling") {
  CHECK_FALSE(classify("GET", "/o/r/info/lfs/objects/basic/" + std::string(64, 'A')).has_value());
  CHECK_FALSE(classify("GET", "/o/r/info/lfs/objects/basic/" + std::string(63, 'a')).has_value());
  CHECK_FALSE(classify("GET", "/o/r/info/lfs/objects/basic/" + std::string(64, 'a') + "?x=1").has_value());
  CHECK_FALSE(classify("DELETE", "/o/r/info/lfs/objects/basic/" + std::string(64, 'a')).has_value());
}
