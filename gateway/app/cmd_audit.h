// `postern audit list`, `postern audit verify`, `postern db check`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace postern::app {

struct AuditListOptions {
  std::string config_path;
  std::string store_url;           // --store: read that store instead of asking the gateway
  std::string socket;              // --socket: the gateway's Unix socket; else the one of [server] listen
  std::string who;                 // --who NAME
  std::string repository;          // --repo OWNER/NAME
  std::string request_id;          // --request ID
  std::vector<std::string> kinds;  // --kind KIND, repeatable
  std::string since, until;        // --since TIME, --until TIME (RFC 3339)
  std::int64_t after = 0;          // --after ID: records after this one, oldest first
  std::size_t limit = 100;         // --limit N: else the newest N
  std::string format = "text";     // --format text|json
};
int cmd_audit_list(const AuditListOptions& options);

struct AuditVerifyCommand {
  std::string config_path;
  std::string store_url;               // --store; else [store] url
  std::vector<std::string> witnesses;  // --witness FILE, repeatable; else the file: ones of [audit] witness
  std::vector<std::string> keys;       // --key FILE, repeatable; else [audit] signing_keys
  std::string format = "text";
};
int cmd_audit_verify(const AuditVerifyCommand& options);

// `store_url` empty: [store] url.
int cmd_db_check(const std::string& config_path, const std::string& store_url);

}  // namespace postern::app
