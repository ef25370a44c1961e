// The commands of postern-hook that people type.
#pragma once

namespace postern::install {

// install | status | uninstall | pause. Returns the exit code of the program.
int run_command_line(int argc, char** argv);

}  // namespace postern::install
