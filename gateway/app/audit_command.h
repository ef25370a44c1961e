// What `postern audit list`, `postern audit verify` and `postern db check` do, apart from command line and
// configuration: questions in, text and exit code out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json.h"
#include "gateway/base/result.h"
#include "gateway/identity/jws.h"
#include "gateway/net/http_client.h"
#include "gateway/store/store.h"

namespace postern::app {

// Value.
struct CommandOutput {
  int exit_code = 0;
  std::string out;
  std::string error;  // one message without line end; empty: none
};

// ---- audit list

// Where records come from. `limit` of the query may be of any size here; the answer is in order of arrival.
Result<std::vector<store::AuditRecord>> records_of_store(const std::string& store_url, store::AuditQuery query);
// `gateway` is "unix:/path/to.sock" or an http(s) URL; `bearer` may be empty.
Result<std::vector<store::AuditRecord>> records_of_gateway(const std::string& gateway, const Secret& bearer,
                                                           store::AuditQuery query, net::HttpClient& http);

// One block per record: time, kind and id; who, from where, on what, by which rule; each ref; what else is known.
std::string record_lines(const store::AuditRecord& record);
// {"records":[…]}, one record per line.
std::string records_json(const std::vector<store::AuditRecord>& records);

// Shared by both sources: prints, or says why not.
CommandOutput audit_list_output(const Result<std::vector<store::AuditRecord>>& records, bool json);

// ---- audit verify

// The public keys in a file's text: a PEM public or private key (Ed25519), a JWK or a JWK set.
Result<std::vector<identity::PublicKey>> read_verify_keys(std::string_view text);

struct AuditVerifyOptions {
  std::string store_url;
  std::vector<std::string> witness_files;  // paths
  std::vector<identity::PublicKey> keys;   // at least one
  std::vector<std::string> notes;          // of the caller, shown with the report's
  bool json = false;
};
// 0: the log holds. 1: it does not, each fault is named. 3: it could not be read. 2: no key.
CommandOutput audit_verify_output(const AuditVerifyOptions& options);

// ---- db check

// 0: tables agree with the log; 1: they do not; 3: could not be read.
CommandOutput db_check_output(const std::string& store_url);

}  // namespace postern::app
