// A log and a witness that somebody else had in hand: reading them never crashes, and a record has one spelling.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/audit/entry.h"
#include "gateway/audit/verify.h"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto entry = audit::parse_entry(text)) {
    const auto bytes = audit::canonical_bytes(*entry);
    if (!bytes || *bytes != text) std::abort();
  }
  static const auto key = identity::SigningKey::generate_ed25519();
  audit::Verifier verifier({key->public_key()});
  verifier.add_witness("w", text);
  verifier.add_stored_checkpoint(1, text);
  audit::AuditChain chain(std::string(32, 'a'));
  for (std::size_t at = 0; at < size && at < 640; at += 64) {
    audit::Record record = chain.append(std::string(text.substr(at, 64)));
    record.seq += data[at] % 3 - 1;
    record.hash[0] ^= data[at] % 2;
    verifier.add_record(record);
  }
  const audit::VerifyReport report = verifier.finish();
  if (report.faults.size() > audit::kMaxFaults) std::abort();
  (void)audit::to_text(report);
  return 0;
}
