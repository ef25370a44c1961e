#include "gateway/store/verify_store.h"

namespace postern::store {
namespace {

constexpr std::size_t kPage = 1000;

Status verify_chain(Store& store, const std::string& chain, audit::Verifier& verifier) {
  Seq from = 0;
  for (;;) {
    const auto page = store.chain_records(chain, from, kPage);
    if (!page) return fail(page.error());
    const bool is_last = page->size() < kPage;
    // Records of one number stay together: the last number of a full page is read again with the next one.
    const Seq held_back = is_last ? -1 : page->back().record.seq;
    const bool one_number = !is_last && page->front().record.seq == held_back;
    for (const AuditRecord& item : *page) {
      if (item.record.seq == held_back && !one_number) break;
      verifier.add_record(item.record);
    }
    if (is_last) return {};
    from = one_number ? held_back + 1 : held_back;
  }
}

}  // namespace

Result<audit::VerifyReport> verify_store(Store& store, std::vector<identity::PublicKey> keys,
                                         std::span<const WitnessContent> witnesses) {
  audit::Verifier verifier(std::move(keys));
  for (const WitnessContent& witness : witnesses) verifier.add_witness(witness.name, witness.content);
  const auto checkpoints = store.checkpoints();
  if (!checkpoints) return fail(checkpoints.error());
  for (const StoredCheckpoint& checkpoint : *checkpoints) {
    verifier.add_stored_checkpoint(checkpoint.number, checkpoint.jws);
  }
  const auto heads = store.heads();
  if (!heads) return fail(heads.error());
  for (const audit::Head& head : *heads) {
    if (Status verified = verify_chain(store, head.chain, verifier); !verified) return fail(verified.error());
  }
  const auto faults = store.check_tables();
  if (!faults) return fail(faults.error());
  for (const std::string& fault : *faults) verifier.add_table_fault(fault);
  return verifier.finish();
}

}  // namespace postern::store
