#include "gateway/app/request.h"

namespace postern::app {

audit::AuditEntry make_entry(const Request& request, audit::EntryKind kind, const git::RepoPath* repo) {
  audit::AuditEntry entry;
  entry.kind = kind;
  entry.at = request.now;
  entry.request_id = request.id;
  entry.who = audit::who_of(request.who);
  entry.from = request.from;
  if (repo != nullptr) entry.repository = repo->full_name();
  return entry;
}

net::HeaderList common_headers(const Request& request, std::string_view content_type) {
  net::HeaderList headers;  // filled in place: a list in braces would be copied
  headers.reserve(6);
  headers.emplace_back("Content-Type", content_type);
  headers.emplace_back("X-Request-Id", request.id);
  headers.emplace_back("Cache-Control", "no-cache, max-age=0, must-revalidate");
  headers.emplace_back("X-Content-Type-Options", "nosniff");
  return headers;
}

void answer_text(Request& request, int status, std::string_view text, net::HeaderList more) {
  net::HeaderList headers = std::move(more);
  for (auto& header : common_headers(request, "text/plain")) headers.push_back(std::move(header));
  std::string body(text);
  if (!body.ends_with('\n')) body += '\n';
  request.exchange->respond(status, std::move(headers), std::move(body));
}

void answer_not_found(Request& request) {
  answer_text(request, 404, "postern: there is no such repository here, or you have no right on it");
}

void answer_unauthorized(Request& request, std::string_view advice) {
  answer_text(request, 401, "postern: " + std::string(advice), {{"WWW-Authenticate", "Basic realm=\"postern\""}});
}

void answer_unavailable(Request& request, std::string_view what) {
  answer_text(request, 503, "postern: " + std::string(what) + "; nothing was changed, try again",
              {{"Retry-After", "5"}});
}

}  // namespace postern::app
