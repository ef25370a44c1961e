#include "hooks/template/tree.h"

#include <fmt/core.h>

#include <algorithm>

#include "gateway/base/digest.h"
#include "gateway/base/encoding.h"
#include "hooks/policy/suppression.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

const TreeRule* const kRules[] = {&kArtifactJson,
                                  &kArtifactYaml,
                                  &kArtifactShape,
                                  &kArtifactSpecification,
                                  &kArtifactName,
                                  &kDuplicateName,
                                  &kMissingArtifact,
                                  &kMissingReference,
                                  &kFragmentCycle,
                                  &kStrayPolicyFile,
                                  &kUnknownOperation,
                                  &kArtifactHost,
                                  &kRequiredPolicy,
                                  &kTlsValidationOff,
                                  &kLoggedContent,
                                  &kArtifactSecret,
                                  &kLimitWithoutSubscription,
                                  &kOpenapiReference,
                                  &kOpenapiOperation,
                                  &kDuplicateApiPath,
                                  &kOverrideFile};

// The same text, byte for byte as long, without what no strict reader takes inside of a string: bytes that are no
// UTF-8, and escapes of half a surrogate pair.
std::string without_doubt(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; at < out.size();) {
    std::size_t length = 1;
    while (length < 4 && at + length < out.size() && !is_utf8(std::string_view(out).substr(at, length))) ++length;
    if (!is_utf8(std::string_view(out).substr(at, length))) {
      out[at] = '?';
      length = 1;
    }
    at += length;
  }
  const auto half = [&out](std::size_t at) -> char {
    if (at + 6 > out.size() || out[at] != '\\' || out[at + 1] != 'u' || (out[at + 2] | 0x20) != 'd') return 0;
    const char c = static_cast<char>(out[at + 3] | 0x20);
    return c == '8' || c == '9' || c == 'a' || c == 'b' ? 'h' : c >= 'c' && c <= 'f' ? 'l' : '\0';
  };
  for (std::size_t at = 0; at + 1 < out.size(); ++at) {
    if (out[at] != '\\') continue;
    const char kind = half(at);
    if (kind == 'h' && half(at + 6) == 'l') {
      at += 11;
    } else if (kind != 0) {
      out.replace(at + 2, 4, "fffd");
      at += 5;
    } else {
      ++at;
    }
  }
  return out;
}

// The same text, byte for byte as long, with null for placeholders outside of strings.
std::string without_placeholders(std::string_view text) {
  constexpr std::string_view kNull = "null";
  std::string out(text);
  bool in_string = false;
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (in_string) {
      if (out[at] == '\\') {
        ++at;
      } else if (out[at] == '"' || out[at] == '\n') {
        in_string = false;
      }
      continue;
    }
    if (out[at] == '"') in_string = true;
    const std::size_t length = placeholder_length(text.substr(at));
    if (length < kNull.size()) continue;
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(at), length, ' ');
    std::copy(kNull.begin(), kNull.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    at += length - 1;
  }
  return out;
}

// By the path below the root: the same in the hook and for a gate that was started in another directory.
std::string fingerprint(const std::string& path, const policy::Finding& finding) {
  return hex_encode(as_view(sha256(path + "\n" + finding.rule + "\n" + finding.message))).substr(0, 32);
}

}  // namespace

std::size_t placeholder_length(std::string_view text) {
  struct Form {
    std::string_view open, close;
  };
  constexpr Form kForms[] = {{"#{", "}#"}, {"{#", "#}"}, {"${", "}"},  {"$(", ")"},
                             {"{{", "}}"}, {"__", "__"}, {"@@", "@@"}, {"[[", "]]"}};
  constexpr std::size_t kLongest = 200;
  for (const Form& form : kForms) {
    if (!text.starts_with(form.open)) continue;
    const std::size_t end = text.substr(0, kLongest).find(form.close, form.open.size());
    if (end == std::string_view::npos || end == form.open.size()) continue;
    std::string_view name = text.substr(form.open.size(), end - form.open.size());
    if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);  // {#[TOKEN]#}
    if (name.find_first_of("\"{}[],\n") == std::string_view::npos) return end + form.close.size();
  }
  return 0;
}

bool is_pointer(std::string_view text) { return text.starts_with("version https://git-lfs.github.com/spec/"); }

LineColumn line_column(std::string_view text, std::size_t offset) {
  LineColumn at;
  for (std::size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++at.line;
      at.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) {
      ++at.column;
    }
  }
  return at;
}

Result<TreeView> TreeView::open(const repo::FileSource& files, std::string_view root, const TreeOptions& options) {
  while (root.ends_with('/')) root.remove_suffix(1);
  if (root == ".") root = {};
  TreeView view(files, root, options);
  if (options.extent.whole) {
    Result<std::vector<TreeFile>> all = view.files_below("");
    if (!all) return fail(all.error());
    view.judged_ = std::move(*all);
  } else {
    for (const std::string& path : options.extent.changed) view.judged_.push_back({path, classify_artifact(path)});
  }
  return view;
}

std::string TreeView::full_path(std::string_view path) const {
  return root_.empty() ? std::string(path) : root_ + "/" + std::string(path);
}

std::string_view TreeView::below(std::string_view full_path) const {
  return below_root(root_, full_path).value_or(std::string_view());
}

Result<std::vector<TreeFile>> TreeView::files_below(std::string_view folder) const {
  const std::string directory = folder.empty() ? root_ : full_path(folder);
  Result<std::vector<std::string>> paths = files_->list(directory);
  if (!paths) return fail(paths.error());
  std::vector<TreeFile> out;
  for (const std::string& path : *paths) {
    if (const auto below = below_root(root_, path)) out.push_back({std::string(*below), classify_artifact(*below)});
  }
  return out;
}

Result<std::vector<TreeFile>> TreeView::users_of(const std::set<std::string>& names) const {
  std::vector<TreeFile> out;
  constexpr int kResource = 2;  // apis/orders
  if (Status done = add_users({"", ""}, kResource, names, out); !done) return fail(done.error());
  std::sort(out.begin(), out.end(), [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  return out;
}

// `folder.name` is its path below the root; `depth` how far below it the folders of resources stand.
Status TreeView::add_users(const repo::Folder& folder, int depth, const std::set<std::string>& names,
                           std::vector<TreeFile>& out) const {
  const auto may_refer = [](const TreeFile& file) {
    const ArtifactKind kind = file.artifact.kind;
    return kind == ArtifactKind::policy || kind == ArtifactKind::fragment || kind == ArtifactKind::information ||
           kind == ArtifactKind::link_list;
  };
  const auto may_use = [&names](const Words& words) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return words.may_hold(name); });
  };
  if (depth > 0) {
    const std::string below = folder.name.empty() ? "" : folder.name + "/";
    Result<std::vector<std::string>> standing = names_in(folder.name);
    if (!standing) return fail(standing.error());
    for (const std::string& name : *standing) {
      TreeFile file{below + name, classify_artifact(below + name)};
      if (!name.ends_with('/') && may_refer(file)) out.push_back(std::move(file));
    }
    Result<std::vector<repo::Folder>> folders = files_->folders(folder.name.empty() ? root_ : full_path(folder.name));
    if (!folders) return fail(folders.error());
    for (repo::Folder& one : *folders) {
      // A workspace holds collections of its own.
      const int deeper = folder.name.empty() && ascii_lower(one.name) == "workspaces" ? depth + 1 : depth - 1;
      one.name = below + one.name;
      if (Status done = add_users(one, deeper, names, out); !done) return done;
    }
    return {};
  }
  std::string key;
  if (options_->kept != nullptr && !folder.content.empty()) {
    key = hex_encode(as_view(sha256(folder.name + "\n" + folder.content))).substr(0, 40);
    if (const std::optional<Words> known = options_->kept->find(key); known && !may_use(*known)) return {};
  }
  Result<std::vector<TreeFile>> files = files_below(folder.name);
  if (!files) return fail(files.error());
  std::erase_if(*files, [&](const TreeFile& file) { return !may_refer(file); });
  if (!key.empty()) {
    Words words;
    for (const TreeFile& file : *files) {
      const Result<std::string> text = glance(file.path);
      if (!text) return fail(text.error());
      words.add(file.path);
      words.add(*text);
    }
    options_->kept->keep(key, words);
    if (!may_use(words)) return {};
  }
  for (TreeFile& file : *files) out.push_back(std::move(file));
  return {};
}

Result<bool> TreeView::exists(std::string_view path) const { return files_->exists(full_path(path)); }

Result<std::vector<std::string>> TreeView::names_in(std::string_view folder) const {
  return files_->names(folder.empty() ? root_ : full_path(folder));
}

Result<std::string> TreeView::glance(const std::string& path) const {
  if (const auto known = texts_.find(path); known != texts_.end()) return known->second;
  return files_->read(full_path(path), options_->max_file_bytes);
}

Result<const Specification*> TreeView::specification(const std::string& path) {
  if (const auto known = specifications_.find(path); known != specifications_.end()) return &known->second;
  const Result<std::string> text = glance(path);
  if (!text) return fail(text.error());
  return &specifications_.emplace(path, read_specification(path, *text)).first->second;
}

Result<std::vector<std::string>> TreeView::configuration_files() const {
  const std::size_t slash = root_.rfind('/');
  const std::set<std::string> folders{"", root_, slash == std::string::npos ? std::string() : root_.substr(0, slash)};
  std::vector<std::string> out;
  for (const std::string& folder : folders) {
    const Result<std::vector<std::string>> names = files_->names(folder);
    if (!names) return fail(names.error());
    for (const std::string& name : *names) {
      const std::string lower = ascii_lower(name);
      if (lower.starts_with("configuration") && (lower.ends_with(".yaml") || lower.ends_with(".yml")))
        out.push_back(folder.empty() ? name : folder + "/" + name);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::string> TreeView::read_whole(const std::string& whole_path) const {
  return files_->read(whole_path, options_->max_file_bytes);
}

Result<std::string_view> TreeView::configuration_texts() {
  if (!configuration_texts_) {
    const Result<std::vector<std::string>> files = configuration_files();
    if (!files) return fail(files.error());
    std::string texts;
    for (const std::string& file : *files) {
      const Result<std::string> text = read_whole(file);
      if (!text) return fail(text.error());
      texts += *text + "\n";
    }
    configuration_texts_ = std::move(texts);
  }
  return std::string_view(*configuration_texts_);
}

Result<std::optional<std::string>> TreeView::whole_before(const std::string& whole_path) const {
  if (options_->before == nullptr) return std::optional<std::string>();
  const Result<bool> there = options_->before->exists(whole_path);
  if (!there) return fail(there.error());
  if (!*there) return std::optional<std::string>();
  Result<std::string> text = options_->before->read(whole_path, options_->max_file_bytes);
  if (!text) return fail(text.error());
  return std::optional(std::move(*text));
}

Result<bool> TreeView::existed(std::string_view path) const {
  if (options_->before == nullptr) return false;
  return options_->before->exists(full_path(path));
}

Result<std::vector<std::string>> TreeView::names_before(std::string_view folder) const {
  if (options_->before == nullptr) return std::vector<std::string>{};
  return options_->before->names(folder.empty() ? root_ : full_path(folder));
}

Result<std::string> TreeView::text_before(const std::string& path) const {
  if (options_->before == nullptr) return fail(ErrorCode::not_found, path + ": the tree before is not known");
  return options_->before->read(full_path(path), options_->max_file_bytes);
}

Result<std::string_view> TreeView::text(const std::string& path) {
  if (const auto known = texts_.find(path); known != texts_.end()) return std::string_view(known->second);
  Result<std::string> bytes = files_->read(full_path(path), options_->max_file_bytes);
  if (!bytes) return fail(bytes.error());
  return std::string_view(texts_.emplace(path, std::move(*bytes)).first->second);
}

void TreeReporter::add(const std::string& path, std::string_view text, std::uint32_t begin, std::uint32_t end,
                       std::string message, std::string help, std::optional<policy::Severity> severity) {
  const LineColumn from = line_column(text, begin);
  const LineColumn to = line_column(text, std::max(begin, end));
  add_at(path, from.line, from.column, std::move(message), std::move(help), severity);
  findings_.back().end_line = to.line;
  findings_.back().end_column = to.column;
}

Status tell_openapi_faults(TreeView& view, TreeReporter& reporter, std::vector<SpecificationFault> OpenApi::* faults) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind != ArtifactKind::specification) continue;
    const Result<const Specification*> specification = view.specification(file.path);
    if (!specification) return fail(specification.error());
    if (!(*specification)->api) continue;
    for (const SpecificationFault& fault : (*(*specification)->api).*faults)
      reporter.add_at(file.path, fault.at.line, fault.at.column, fault.message, fault.help);
  }
  return {};
}

void TreeReporter::add_whole(const std::string& whole_path, unsigned line, unsigned column, std::string message,
                             std::string help, policy::Severity severity) {
  add_at({}, line, column, std::move(message), std::move(help), severity);
  findings_.back().path = whole_path;
  findings_.back().fingerprint = fingerprint(whole_path, findings_.back());
}

void TreeReporter::add_at(const std::string& path, unsigned line, unsigned column, std::string message,
                          std::string help, std::optional<policy::Severity> severity) {
  policy::Finding finding;
  finding.path = view_.full_path(path);
  finding.line = finding.end_line = line;
  finding.column = finding.end_column = column;
  finding.rule = rule_.id;
  finding.hides_source = rule_.hides_source;
  finding.severity = severity.value_or(rule_.severity);
  finding.message = std::move(message);
  finding.help = std::move(help);
  finding.fingerprint = fingerprint(path, finding);
  findings_.push_back(std::move(finding));
}

void declare(TreeOptions& options, const policy::Settings& settings) {
  options.external_named_values = settings.external.named_values;
  options.external_fragments = settings.external.fragments;
  options.external_backends = settings.external.backends;
  options.external_certificates = settings.external.certificates;
  options.external_loggers = settings.external.loggers;
  options.external_products = settings.external.products;
  options.external_tags = settings.external.tags;
  options.guardrails = settings.guardrails;
}

namespace {

// Gives each finding the level that the settings have for its rule at its path; what is switched off, or no more than
// advice, goes.
void apply_levels(const TreeOptions& options, std::vector<policy::Finding>& findings) {
  if (!options.levels_for) return;
  std::erase_if(findings, [&](policy::Finding& finding) {
    const policy::RuleLevels levels = options.levels_for(finding.path);
    const auto level = levels.find(finding.rule);
    if (level == levels.end()) return false;
    if (level->second == policy::RuleLevel::off || level->second == policy::RuleLevel::advice) return true;
    finding.severity = level->second == policy::RuleLevel::error ? policy::Severity::error : policy::Severity::warning;
    return false;
  });
}

// Takes away what comments in the documents themselves accept.
Status apply_suppressions(const TreeView& view, std::vector<policy::Finding>& findings,
                          std::vector<policy::Finding>* suppressed) {
  policy::CheckOptions options;
  options.may_suppress = view.options().may_suppress;
  options.today = view.options().today;
  if (options.may_suppress.empty()) return {};
  std::map<std::string, std::vector<policy::TreeSuppression>> known;
  std::vector<policy::Finding> kept;
  for (policy::Finding& finding : findings) {
    auto at = known.find(finding.path);
    if (at == known.end()) {
      at = known.emplace(finding.path, std::vector<policy::TreeSuppression>()).first;
      const std::string path(view.below(finding.path));
      const ArtifactKind kind = classify_artifact(path).kind;
      const Result<bool> there = path.empty() ? Result<bool>(false) : view.exists(path);
      if (!there) return fail(there.error());
      if (*there && (kind == ArtifactKind::policy || kind == ArtifactKind::fragment)) {
        const Result<std::string> text = view.glance(path);
        if (!text) return fail(text.error());
        at->second = policy::read_tree_suppressions(*text, options);
      }
    }
    const bool goes = std::any_of(at->second.begin(), at->second.end(),
                                  [&](const policy::TreeSuppression& one) { return policy::covers(one, finding); });
    if (!goes) {
      kept.push_back(std::move(finding));
    } else if (suppressed != nullptr) {
      suppressed->push_back(std::move(finding));
    }
  }
  findings = std::move(kept);
  return {};
}

}  // namespace

Result<std::vector<policy::Finding>> check_tree(const repo::FileSource& files, std::string_view root,
                                                const TreeOptions& options, std::vector<policy::Finding>* suppressed) {
  Result<TreeView> view = TreeView::open(files, root, options);
  if (!view) return fail(view.error());
  std::vector<policy::Finding> out;
  for (const TreeRule* rule : kRules) {
    TreeReporter reporter(*view, rule->info);
    if (Status done = rule->check(*view, reporter); !done) return fail(done.error());
    for (policy::Finding& finding : reporter.take()) out.push_back(std::move(finding));
  }
  std::sort(out.begin(), out.end());
  const auto same = [](const policy::Finding& a, const policy::Finding& b) { return !(a < b) && !(b < a); };
  out.erase(std::unique(out.begin(), out.end(), same), out.end());
  apply_levels(options, out);
  if (Status done = apply_suppressions(*view, out, suppressed); !done) return fail(done.error());
  return out;
}

const std::vector<const policy::Rule*>& tree_rules() {
  static const std::vector<const policy::Rule*> infos = [] {
    std::vector<const policy::Rule*> all;
    for (const TreeRule* rule : kRules) all.push_back(&rule->info);
    return all;
  }();
  return infos;
}

Result<json::Value> parse_artifact(std::string_view text, std::optional<Error>* doubt) {
  // ARM and both tools take a byte order mark that an editor left.
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  json::Limits limits{.bytes = std::size_t{32} << 20, .depth = 256, .values = 2000000};
  Result<json::Value> strict = json::parse(text, limits);
  if (strict || strict.error().code != ErrorCode::invalid_input) return strict;
  limits.repeated_names = true;
  Result<json::Value> value = json::parse(without_doubt(text), limits);
  if (value) {
    if (doubt != nullptr) *doubt = strict.error();
    return value;
  }
  if (Result<json::Value> filled = json::parse(without_placeholders(without_doubt(text)), limits)) return filled;
  return value;
}

}  // namespace postern::tree
