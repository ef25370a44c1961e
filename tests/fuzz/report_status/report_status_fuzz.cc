// Any upstream answer: what goes on to the client is whole packets, and a report that was read is read back the same.
#include <cstdint>
#include <cstdlib>

#include "gateway/git/report_status.h"

using namespace postern::git;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool side_band = (data[0] & 1) != 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReportReader reader(side_band);
  std::string out;
  if (!reader.feed(body, out)) return 0;
  const auto report = reader.finish();
  if (!report || reader.saw_fatal()) return 0;
  out += reader.rest(*report);
  ReportReader again(side_band);
  std::string progress;
  if (!again.feed(out, progress)) std::abort();
  const auto second = again.finish();
  if (!second || second->unpack != report->unpack || second->refs.size() != report->refs.size()) std::abort();
  for (std::size_t i = 0; i < report->refs.size(); ++i) {
    if (second->refs[i].ref != report->refs[i].ref || second->refs[i].ok != report->refs[i].ok) std::abort();
  }
  return 0;
}
