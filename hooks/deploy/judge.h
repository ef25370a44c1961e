// The judgement of the policies that are to be deployed: the same as the hook's, made once more.
#pragma once

#include <string>

#include "gateway/access/decision.h"
#include "gateway/base/clock.h"
#include "hooks/deploy/environment.h"
#include "hooks/repo/file_source.h"

namespace postern::deploy {

// Reads settings and baseline from the bare repository at `directory`.
Judge repository_judge(std::string directory, access::Templates templates, const Clock& clock);
// The errors of a directory without history, by its own settings and baseline as far as `templates` let them: those of
// the documents that are to be put, and those of the rules over the tree. Sorted; paths are those of `files`.
Result<std::vector<policy::Finding>> judge_directory(const repo::FileSource& files, const access::Templates& templates,
                                                     const std::vector<Step>& steps, const Clock& clock);

}  // namespace postern::deploy
