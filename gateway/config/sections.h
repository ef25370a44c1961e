// What stands in each kind of section. A new kind: a reader here, its line in load.cc, its keys in
// docs/configuration.md. Internal to this folder.
#pragma once

#include "gateway/config/section.h"

namespace postern::config {

// Each reads one section into the configuration; what is wrong is noted in the section's mistakes.
void read_server(Section& in, Config& config);
void read_upstream(Section& in, Config& config);
void read_store(Section& in, Config& config);
void read_tickets(Section& in, Config& config);
void read_audit(Section& in, Config& config);
void read_issuer(Section& in, Config& config);
void read_identity(Section& in, Config& config);
void read_group(Section& in, Config& config);
void read_role(Section& in, Config& config);
void read_governed(Section& in, Config& config);
void read_grant(Section& in, Config& config);
void read_deny(Section& in, Config& config);
void read_templates(Section& in, Config& config);
void read_environment(Section& in, Config& config);
void read_deploy(Section& in, Config& config);

}  // namespace postern::config
