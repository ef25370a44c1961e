// Answers of ARM, of IMDS and of the gateway: no bytes of them may crash the deployer, and a URL is only ever followed
// to the host that the configuration names.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/azure/credential.h"
#include "hooks/deploy/arm_answer.h"
#include "hooks/deploy/push_records.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postern;
  if (size < 3) return 0;
  const std::string body(reinterpret_cast<const char*>(data) + 2, size - 2);
  net::HttpResponse response;
  response.status = 100 + data[0] * 2;
  if ((data[1] & 1) != 0) response.headers.emplace_back("content-type", "text/xml");
  if ((data[1] & 2) != 0) response.headers.emplace_back("retry-after", body.substr(0, 20));
  if ((data[1] & 4) != 0) response.headers.emplace_back("location", body.substr(0, 200));
  response.body = body;
  const deploy::ArmFailure failure = deploy::read_failure(response);
  for (const std::string& line : deploy::describe_faults(failure, "apis/a/policy.xml")) {
    if (line.find('\n') != std::string::npos) std::abort();
  }
  if (failure.retry_after && *failure.retry_after > std::chrono::hours(1)) std::abort();
  (void)deploy::read_operation_error(body);
  (void)deploy::read_policy(response);
  (void)deploy::read_write_answer(response);
  (void)deploy::read_poll_answer(response);
  if (deploy::is_same_service("https://management.azure.com", body)) {
    if (!body.starts_with("https://") && !body.starts_with("HTTPS://") && body.find("://") != 5) std::abort();
    const std::string host = body.substr(8, body.find_first_of("/?#", 8) - 8);
    if (host.find('@') != std::string::npos) std::abort();
  }
  (void)azure::parse_token_answer(body, WallTime(std::chrono::seconds(1)));
  (void)deploy::parse_moves(body);
  (void)deploy::parse_introducers(body);
  return 0;
}
