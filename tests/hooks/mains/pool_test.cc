// Many documents on many threads, and what is said meanwhile.
#include <algorithm>
#include <catch2/catch.hpp>

#include "hooks/mains/main_check_pool.h"

using namespace postern;

namespace {

const std::string kGood = "<policies>\n  <inbound>\n    <base />\n  </inbound>\n</policies>\n";
const std::string kBad = "<policies>\n  <inbound>\n    <bsae />\n  </inbound>\n</policies>\n";

}  // namespace

TEST_CASE("Progress speaks after a second and then twice a second and only on a terminal") {
  using namespace std::chrono_literals;
  const check::Progress::Time begun{};
  check::Progress progress(true, begun);
  CHECK(progress.at(begun + 900ms, 10).empty());
  CHECK(progress.end().empty());
  CHECK(progress.at(begun + 1000ms, 4711) == "\rpostern-check: 4711 files");
  CHECK(progress.at(begun + 1400ms, 4712).empty());
  CHECK(progress.at(begun + 1500ms, 4713) == "\rpostern-check: 4713 files");
  CHECK(progress.end() == "\r\x1b[K");
  check::Progress silent(false, begun);
  CHECK(silent.at(begun + 1h, 10).empty());
  CHECK(silent.end().empty());
}

TEST_CASE("A pool judges every document once whatever the number of threads") {
  const policy::Settings settings;
  const check::Judging judging{{}, settings, std::nullopt, true};
  for (const unsigned threads : {1U, 2U, 7U}) {
    check::Pool pool(judging, threads, false);
    for (int i = 0; i < 2000; ++i) pool.add({"p" + std::to_string(i) + ".xml", i % 2 == 0 ? kBad : kGood, true});
    const check::Judged judged = pool.finish();
    CHECK(judged.count == 2000);
    CHECK(judged.files.size() == 2000);
    CHECK(judged.findings.size() == 1000);
    CHECK(judged.texts.size() == 1000);
    CHECK(std::is_sorted(judged.findings.begin(), judged.findings.end()));
    CHECK(std::is_sorted(judged.files.begin(), judged.files.end()));
  }
  // One that is given up leaves no thread behind.
  check::Pool abandoned(judging, 3, false);
  for (int i = 0; i < 300; ++i) abandoned.add({"a.xml", kBad, true});
}
