// The judgement of the policies that are to be deployed: the same as the hook's, made once more.
#pragma once

#include <string>

#include "gateway/access/decision.h"
#include "gateway/base/clock.h"
#include "hooks/deploy/environment.h"

namespace postern::deploy {

// Reads settings and baseline from the bare repository at `directory`.
Judge repository_judge(std::string directory, access::Templates templates, const Clock& clock);
// For a directory without history: the platform's settings alone.
Judge directory_judge(access::Templates templates, const Clock& clock);

}  // namespace postern::deploy
