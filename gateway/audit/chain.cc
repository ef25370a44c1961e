#include "gateway/audit/chain.h"

#include <array>

namespace postern::audit {

Sha256 genesis_hash(std::string_view chain) { return sha256("postern-audit-genesis-v1\n" + std::string(chain)); }

Sha256 record_hash(std::string_view chain, std::int64_t seq, const Sha256& previous, std::string_view bytes) {
  std::array<char, 8> number{};
  for (std::size_t i = 0; i < number.size(); ++i) {
    number[number.size() - 1 - i] = static_cast<char>(static_cast<std::uint64_t>(seq) >> (8 * i));
  }
  std::string hashed;
  hashed.reserve(128 + bytes.size());
  hashed += "postern-audit-v1\n";
  hashed += chain;
  hashed.append(number.data(), number.size());
  hashed += as_view(previous);
  hashed += bytes;
  return sha256(hashed);
}

Record AuditChain::append(std::string bytes) {
  Record record;
  record.chain = head_.chain;
  record.seq = head_.seq + 1;
  record.previous = head_.hash;
  record.hash = record_hash(record.chain, record.seq, record.previous, bytes);
  record.bytes = std::move(bytes);
  head_.seq = record.seq;
  head_.hash = record.hash;
  return record;
}

}  // namespace postern::audit
