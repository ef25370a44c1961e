// From the tags of a document to its tree.
#pragma once

#include "hooks/policy/document_draft.h"

namespace postern::policy {

// Pairs the tags of the draft and links its nodes. What lacks its partner is told at the place where the tags around it
// fit best without it. Linear; never recurses.
void build_tree(DocumentDraft& draft);

}  // namespace postern::policy
