#include "gateway/app/cmd_audit.h"

#include <fmt/core.h>

#include <cstdio>

#include "gateway/app/audit_command.h"
#include "gateway/app/cmd_shared.h"
#include "gateway/base/encoding.h"
#include "gateway/base/exit_code.h"
#include "gateway/base/file.h"
#include "gateway/git/repo_path.h"

namespace postern::app {
namespace {

constexpr std::size_t kMaxKeyFile = 64 * 1024;

int print(const CommandOutput& output) {
  std::fwrite(output.out.data(), 1, output.out.size(), stdout);
  if (!output.error.empty()) say_error(output.error);
  // A full disk or a closed pipe: the answer did not arrive whole.
  if (std::fflush(stdout) != 0 && output.exit_code == kExitFine) return kExitCouldNotFinish;
  return output.exit_code;
}

int bad_usage(std::string_view text) {
  say_error(text);
  return kExitBadUsage;
}

bool is_format(const std::string& format) { return format == "text" || format == "json"; }

Result<store::AuditQuery> query_of(const AuditListOptions& options) {
  const auto wrong = [](std::string_view option, std::string_view accepted) {
    return fail(ErrorCode::bad_usage, fmt::format("{}: accepted is {}", option, accepted));
  };
  store::AuditQuery query;
  query.after = options.after;
  query.limit = options.limit;
  query.newest_first = options.after == 0;
  if (!options.who.empty()) query.who = options.who;
  if (!options.request_id.empty()) query.request_id = options.request_id;
  if (!options.repository.empty()) {
    const auto path = git::RepoPath::parse(options.repository);
    if (!path) return wrong("--repo", "OWNER/NAME");
    query.repository = path->full_name();
  }
  for (const std::string& name : options.kinds) {
    const auto kind = audit::parse_entry_kind(name);
    if (!kind) return wrong("--kind", "one of " + audit::entry_kinds());
    query.kinds.push_back(*kind);
  }
  for (const auto& [option, text, place] :
       {std::tuple("--since", &options.since, &query.since), std::tuple("--until", &options.until, &query.until)}) {
    if (text->empty()) continue;
    const auto time = parse_rfc3339(*text);
    if (!time) return wrong(option, "a time such as 2026-11-22T14:03:07Z");
    *place = *time;
  }
  return query;
}

Result<std::vector<identity::PublicKey>> keys_of(const AuditVerifyCommand& options,
                                                 const std::optional<config::Loaded>& loaded) {
  std::vector<identity::PublicKey> keys;
  for (const std::string& path : options.keys) {
    const auto text = read_file(path, kMaxKeyFile);
    if (!text) return fail(ErrorCode::bad_usage, "--key: " + text.error().message);
    const auto found = read_verify_keys(*text);
    if (!found) return fail(ErrorCode::bad_usage, "--key " + path + ": " + found.error().message);
    keys.insert(keys.end(), found->begin(), found->end());
  }
  if (!options.keys.empty() || !loaded) return keys;
  for (const config::SecretRef& ref : loaded->config.audit.signing_keys) {
    const auto pem = config::resolve(ref);
    if (!pem) return fail(in_context("[audit] signing_keys " + ref.text() + " (or give --key)", pem.error()));
    const auto key = identity::SigningKey::from_pem(*pem);
    if (!key) return fail(in_context("[audit] signing_keys " + ref.text(), key.error()));
    keys.push_back(key->public_key());
  }
  return keys;
}

}  // namespace

int cmd_audit_list(const AuditListOptions& options) {
  if (!is_format(options.format)) return bad_usage("--format: accepted are text and json");
  const auto query = query_of(options);
  if (!query) return bad_usage(query.error().message);
  const bool json = options.format == "json";
  if (!options.store_url.empty()) return print(audit_list_output(records_of_store(options.store_url, *query), json));
  std::string socket = options.socket;
  if (socket.empty()) {
    const auto loaded = load_or_say(options.config_path, false);
    if (!loaded) return kExitBadUsage;
    for (const auto& listen : loaded->config.server.listen) {
      if (socket.empty() && listen.is_unix) socket = listen.path;
    }
    if (socket.empty()) return bad_usage("[server] listen names no Unix socket; accepted: --socket PATH, --store URL");
  }
  const auto http = net::make_http_client();
  return print(audit_list_output(records_of_gateway("unix:" + socket, Secret(), *query, *http), json));
}

int cmd_audit_verify(const AuditVerifyCommand& options) {
  if (!is_format(options.format)) return bad_usage("--format: accepted are text and json");
  std::optional<config::Loaded> loaded;
  const bool complete = !options.store_url.empty() && !options.keys.empty();
  if (!complete) {
    loaded = load_or_say(options.config_path, false);
    if (!loaded) return kExitBadUsage;
  }
  AuditVerifyOptions verify;
  verify.json = options.format == "json";
  verify.store_url = options.store_url.empty() ? loaded->config.store.url : options.store_url;
  verify.witness_files = options.witnesses;
  if (verify.witness_files.empty() && loaded) {
    for (const std::string& witness : loaded->config.audit.witness) {
      if (witness.starts_with("file:")) {
        verify.witness_files.push_back(witness.substr(5));
      } else {
        verify.notes.push_back("witness " + witness + " cannot be read from here: give what it holds by --witness");
      }
    }
  }
  auto keys = keys_of(options, loaded);
  if (!keys) {
    say_error(keys.error().message);
    return keys.error().code == ErrorCode::bad_usage ? kExitBadUsage : kExitCouldNotFinish;
  }
  verify.keys = std::move(*keys);
  return print(audit_verify_output(verify));
}

int cmd_db_check(const std::string& config_path, const std::string& store_url) {
  if (!store_url.empty()) return print(db_check_output(store_url));
  const auto loaded = load_or_say(config_path, false);
  if (!loaded) return kExitBadUsage;
  return print(db_check_output(loaded->config.store.url));
}

}  // namespace postern::app
