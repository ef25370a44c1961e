// `postern doctor`: does what the configuration names exist, and is it as it must be?
#pragma once

#include <string>

namespace postern::app {

// One line per question, `ok`, `warning` or `FAILED`, each failure with its fix. To be run as the gateway's user: what
// that user cannot read, the gateway cannot. 0 when nothing failed, 1 when something did, 2 for the configuration.
int cmd_doctor(const std::string& config_path);

}  // namespace postern::app
