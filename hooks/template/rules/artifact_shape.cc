#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "gateway/base/encoding.h"
#include "hooks/policy/address.h"
#include "hooks/policy/suggest.h"
#include "hooks/template/tree_rule.h"

namespace postern::tree {
namespace {

enum class Type { text, flag, number, list, object };

// A property below "properties" of an information file, with the type ARM takes
// (Azure/azure-rest-api-specs, Microsoft.ApiManagement, 2024-05-01).
struct Property {
  std::string_view file;  // of the file's name, lower case, before "information.json"
  std::string_view name;
  Type type;
  std::string_view values = {};  // accepted values, separated by '|', compared with letter case ignored
};

constexpr std::array kProperties = {
    Property{"api", "path", Type::text},
    Property{"api", "displayName", Type::text},
    Property{"api", "protocols", Type::list},
    Property{"api", "subscriptionRequired", Type::flag},
    Property{"api", "isCurrent", Type::flag},
    Property{"api", "apiRevision", Type::text},
    Property{"api", "apiVersion", Type::text},
    Property{"api", "serviceUrl", Type::text},
    Property{"api", "authenticationSettings", Type::object},
    Property{"api", "subscriptionKeyParameterNames", Type::object},
    Property{"product", "displayName", Type::text},
    Property{"product", "state", Type::text, "published|notPublished"},
    Property{"product", "subscriptionRequired", Type::flag},
    Property{"product", "approvalRequired", Type::flag},
    Property{"product", "subscriptionsLimit", Type::number},
    Property{"namedvalue", "displayName", Type::text},
    Property{"namedvalue", "value", Type::text},
    Property{"namedvalue", "secret", Type::flag},
    Property{"namedvalue", "tags", Type::list},
    Property{"namedvalue", "keyVault", Type::object},
    Property{"backend", "url", Type::text},
    Property{"backend", "protocol", Type::text, "http|soap"},
    Property{"backend", "credentials", Type::object},
    Property{"backend", "tls", Type::object},
    Property{"backend", "type", Type::text, "Single|Pool"},
    Property{"backend", "circuitBreaker", Type::object},
    Property{"backend", "pool", Type::object},
    Property{"versionset", "displayName", Type::text},
    Property{"versionset", "versioningScheme", Type::text, "Segment|Query|Header"},
    Property{"versionset", "versionHeaderName", Type::text},
    Property{"versionset", "versionQueryName", Type::text},
    Property{"tag", "displayName", Type::text},
    Property{"group", "displayName", Type::text},
    Property{"group", "type", Type::text, "custom|system|external"},
    Property{"logger", "loggerType", Type::text, "applicationInsights|azureEventHub|azureMonitor"},
    Property{"logger", "isBuffered", Type::flag},
    Property{"logger", "credentials", Type::object},
    Property{"diagnostic", "loggerId", Type::text},
    Property{"diagnostic", "alwaysLog", Type::text, "allErrors"},
    Property{"diagnostic", "verbosity", Type::text, "verbose|information|error"},
    Property{"diagnostic", "httpCorrelationProtocol", Type::text, "None|Legacy|W3C"},
    Property{"diagnostic", "operationNameFormat", Type::text, "Name|Url"},
    Property{"diagnostic", "logClientIp", Type::flag},
    Property{"diagnostic", "metrics", Type::flag},
    Property{"diagnostic", "sampling", Type::object},
    Property{"diagnostic", "frontend", Type::object},
    Property{"diagnostic", "backend", Type::object},
    Property{"policyfragment", "description", Type::text},
    Property{"subscription", "displayName", Type::text},
    Property{"subscription", "scope", Type::text},
    Property{"subscription", "state", Type::text, "suspended|active|expired|submitted|rejected|cancelled"},
    Property{"subscription", "allowTracing", Type::flag},
    Property{"operation", "displayName", Type::text},
    Property{"operation", "method", Type::text},
    Property{"operation", "urlTemplate", Type::text},
    Property{"operation", "templateParameters", Type::list},
    Property{"gateway", "description", Type::text},
    Property{"gateway", "locationData", Type::object},
};

// Every name that may stand below "properties", apart from those above (the same specifications, previews too).
struct OtherNames {
  std::string_view file;
  std::string_view names;  // separated by '|'
};
constexpr std::array kOtherNames = {
    OtherNames{"api",
               "isOnline|apiRevisionDescription|apiVersionDescription|apiVersionSetId|apiVersionSet|description|type|"
               "apiType|sourceApiId|format|value|wsdlSelector|translateRequiredQueryParameters|contact|license|"
               "termsOfServiceUrl|provisioningState|backendId|mcpTools|mcpProperties|agent|a2aProperties|"
               "jsonRpcProperties|isAgent"},
    OtherNames{"product", "description|terms|application|authenticationType|provisioningState"},
    OtherNames{"namedvalue", "provisioningState"},
    OtherNames{"backend",
               "title|description|resourceId|properties|proxy|azureRegion|failoverResponse|provisioningState"},
    OtherNames{"versionset", "description|provisioningState"},
    OtherNames{"tag", "provisioningState"},
    OtherNames{"group", "description|builtIn|externalId|provisioningState"},
    OtherNames{"logger", "description|resourceId|provisioningState"},
    OtherNames{"diagnostic", "enabled|enableHttpCorrelationHeaders|largeLanguageModel|provisioningState"},
    OtherNames{"policyfragment", "value|format|provisioningState"},
    OtherNames{"subscription",
               "ownerId|createdDate|startDate|expirationDate|endDate|notificationDate|primaryKey|secondaryKey|"
               "stateComment|userId|productId|provisioningState"},
    OtherNames{"gateway", "provisioningState"},
};

// What ARM wants in every such resource (the same specifications). A deployment may yet fill it in, so it is a warning.
// Not here: a named value's value, which extractors leave out where it is secret, and a subscription's display name,
// which those that a product makes by itself do not have.
struct Required {
  std::string_view file;
  std::string_view name;
};
constexpr std::array kRequired = {
    Required{"api", "path"},
    Required{"product", "displayName"},
    Required{"namedvalue", "displayName"},
    Required{"backend", "url"},
    Required{"backend", "protocol"},
    Required{"versionset", "displayName"},
    Required{"versionset", "versioningScheme"},
    Required{"tag", "displayName"},
    Required{"group", "displayName"},
    Required{"logger", "loggerType"},
    Required{"diagnostic", "loggerId"},
    Required{"subscription", "scope"},
};

constexpr std::size_t kMostMembers = 200;

// A resource of its own: what hangs below another may be no more than a link to one.
bool stands_alone(const Artifact& artifact) {
  const std::vector<Segment>& path = artifact.resource;
  const std::size_t first = !path.empty() && path.front().collection == "workspaces" ? 1 : 0;
  return path.size() == first + 1 ||
         (!path.empty() && (path.back().collection == "diagnostics" || path.back().collection == "operations"));
}

// A pool of backends has no address of its own.
bool is_pool(const json::Value& properties) {
  const json::Value* pool = properties.find("pool");
  const std::string* type = properties.find_string("type");
  return (pool != nullptr && !pool->is_null()) || (type != nullptr && ascii_lower(*type) == "pool");
}

std::string_view words(Type type) {
  switch (type) {
    case Type::text: return "a string";
    case Type::flag: return "true or false";
    case Type::number: return "a number";
    case Type::list: return "an array";
    case Type::object: return "an object";
  }
  return "";
}

std::string_view kind_name(std::string_view stem) {
  if (stem == "api") return "API";
  if (stem == "namedvalue") return "named value";
  if (stem == "versionset") return "version set";
  return stem;
}

bool fits(const json::Value& value, Type type) {
  if (value.is_null()) return true;
  switch (type) {
    case Type::text: return value.as_string() != nullptr;
    case Type::flag: return value.as_bool() != nullptr;
    case Type::number: return value.as_int() != nullptr || value.as_double() != nullptr;
    case Type::list: return value.as_array() != nullptr;
    case Type::object: return value.as_object() != nullptr;
  }
  return true;
}

// Readers of JSON turn these into each other without a word: "true" into true, 5 into "5", "5" into 5.
bool converts(const json::Value& value, Type type) {
  if (type == Type::text)
    return value.as_int() != nullptr || value.as_double() != nullptr || value.as_bool() != nullptr;
  const std::string* text = value.as_string();
  if (text == nullptr) return false;
  if (type == Type::flag) return ascii_lower(*text) == "true" || ascii_lower(*text) == "false";
  return type == Type::number && !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
}

// A value that the deployment fills in: its type is not known here.
bool is_placeholder(const json::Value& value) {
  const std::string* text = value.as_string();
  return text != nullptr && text->find_first_of("{#$%_") != std::string::npos;
}

bool is_word_of(std::string_view text, std::string_view words) {
  return ("|" + ascii_lower(words) + "|").find("|" + ascii_lower(text) + "|") != std::string::npos;
}

// ARM: "All template parameters used in the UriTemplate must be defined in the Operation, and used only once".
template <class Add>
void judge_template(const std::string& url, const json::Value& properties, const Add& add) {
  std::set<std::string> declared;
  if (const json::Value* list = properties.find("templateParameters"); list != nullptr && list->as_array() != nullptr) {
    for (const json::Value& each : *list->as_array())
      if (const std::string* name = each.find_string("name")) declared.insert(ascii_lower(*name));
  }
  std::set<std::string> used;
  for (std::size_t at = url.find('{'); at != std::string::npos; at = url.find('{', at + 1)) {
    const std::size_t end = url.find('}', at);
    if (end == std::string::npos) return;
    const std::string name = ascii_lower(url.substr(at + 1, end - at - 1));
    if (name.empty() || name.find('*') != std::string::npos) continue;  // the rest of the path
    const json::Value& place = *properties.find("urlTemplate");
    if (!used.insert(name).second)
      add(place, fmt::format("the parameter '{}' stands twice in urlTemplate; ARM takes it once", printable(name, 60)),
          "give one of them another name", policy::Severity::warning);
    else if (!declared.contains(name))
      add(place, fmt::format("the parameter '{}' of urlTemplate is not in templateParameters", printable(name, 60)),
          "add { \"name\": …, \"required\": true, \"type\": \"string\" }; ARM wants each to be defined",
          policy::Severity::warning);
  }
}

// What is wrong inside of a property, where ARM's specification says what stands there. Warnings: a deployment may
// change it yet.
template <class Add>
void judge_parts(std::string_view stem, const json::Value& properties, const Add& add) {
  constexpr policy::Severity kMild = policy::Severity::warning;
  const auto text_of = [&](std::string_view name) -> const std::string* {
    const json::Value* found = properties.find(name);
    return found == nullptr || is_placeholder(*found) ? nullptr : found->as_string();
  };
  const auto judge_url = [&](std::string_view name) {
    const std::string* url = text_of(name);
    if (url == nullptr || url->empty()) return;
    if (const std::string_view fault = policy::fault_of_url(*url); !fault.empty())
      add(*properties.find(name), fmt::format("'{}' {}: \"{}\"", name, fault, printable(*url, 60)),
          "write the whole address: https://host/path", kMild);
  };
  const auto judge_number = [&](const json::Value* value, std::string_view name, double least, double most) {
    if (value == nullptr || value->is_null() || is_placeholder(*value)) return;
    const std::optional<double> number = value->as_int() != nullptr      ? std::optional<double>(*value->as_int())
                                         : value->as_double() != nullptr ? std::optional(*value->as_double())
                                                                         : std::nullopt;
    if (!number ? !converts(*value, Type::number) : *number < least || *number > most)
      add(*value, fmt::format("'{}' is a number from {} to {}", name, least, most), {}, kMild);
  };
  if (stem == "api") {
    judge_url("serviceUrl");
    if (const json::Value* protocols = properties.find("protocols"); protocols && protocols->as_array()) {
      for (const json::Value& each : *protocols->as_array()) {
        const std::string* word = each.as_string();
        if (is_placeholder(each) || (word != nullptr && is_word_of(*word, "http|https|ws|wss"))) continue;
        add(each, "a protocol is http, https, ws or wss", {}, kMild);
      }
    }
  } else if (stem == "backend") {
    if (!is_pool(properties)) judge_url("url");
    const json::Value* tls = properties.find("tls");
    for (const std::string_view name : {"validateCertificateChain", "validateCertificateName"}) {
      const json::Value* flag = tls == nullptr ? nullptr : tls->find(name);
      if (flag == nullptr || is_placeholder(*flag) || fits(*flag, Type::flag) || converts(*flag, Type::flag)) continue;
      add(*flag, fmt::format("'{}' is {}; ARM takes true or false", name, flag->type_name()), {}, kMild);
    }
    const json::Value* pool = properties.find("pool");
    const json::Value* services = pool == nullptr ? nullptr : pool->find("services");
    if (services == nullptr || services->is_null()) return;
    if (services->as_array() == nullptr) {
      add(*services, "'services' of a pool is an array of backends", {}, kMild);
      return;
    }
    for (const json::Value& each : *services->as_array()) {
      judge_number(each.find("weight"), "weight", 0, 100);
      judge_number(each.find("priority"), "priority", 0, 100);
    }
  } else if (stem == "diagnostic") {
    const json::Value* sampling = properties.find("sampling");
    if (sampling != nullptr) judge_number(sampling->find("percentage"), "percentage", 0, 100);
  } else if (stem == "product") {
    judge_number(properties.find("subscriptionsLimit"), "subscriptionsLimit", 0, 2147483647);
  } else if (stem == "versionset") {
    const std::string* scheme = text_of("versioningScheme");
    for (const auto& [kind, name] : {std::pair<std::string_view, std::string_view>{"header", "versionHeaderName"},
                                     {"query", "versionQueryName"}}) {
      if (scheme == nullptr || ascii_lower(*scheme) != kind) continue;
      const json::Value* found = properties.find(name);
      const bool given =
          found != nullptr && !found->is_null() && !(found->as_string() != nullptr && found->as_string()->empty());
      if (!given)
        add(properties, fmt::format("'{}' is missing; versions by {} need it", name, kind),
            fmt::format("add \"{}\"", name), kMild);
    }
  } else if (stem == "operation") {
    const std::string* url = properties.find_string("urlTemplate");
    if (url != nullptr && url->find("{{") == std::string::npos && url->find_first_of("#$") == std::string::npos)
      judge_template(*url, properties, add);
  } else if (stem == "namedvalue") {
    const std::string* name = text_of("displayName");
    if (name != nullptr && name->find_first_of(" \t/\\?*&") != std::string::npos)
      add(*properties.find("displayName"), "the display name of a named value has letters, digits, '.', '-' and '_'",
          "policies name it by this name: {{name}}", kMild);
  }
}

// Names that ARM does not know and that are like one that is not there: ARM passes them over.
template <class Add>
void judge_names(std::string_view stem, const json::Value& properties, const Add& add) {
  const auto other = std::find_if(kOtherNames.begin(), kOtherNames.end(),
                                  [stem](const OtherNames& each) { return each.file == stem; });
  if (other == kOtherNames.end() || properties.as_object()->size() > kMostMembers) return;
  std::vector<std::string_view> known;
  for (const Property& each : kProperties)
    if (each.file == stem) known.push_back(each.name);
  for (std::string_view rest = other->names; !rest.empty();) {
    const std::size_t end = std::min(rest.find('|'), rest.size());
    known.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto same = [](std::string_view a, std::string_view b) { return ascii_lower(a) == ascii_lower(b); };
  for (const auto& [name, value] : *properties.as_object()) {
    if (std::any_of(known.begin(), known.end(), [&](std::string_view each) { return same(each, name); })) continue;
    const std::string_view meant = policy::closest(name, known);
    const bool there = std::any_of(properties.as_object()->begin(), properties.as_object()->end(),
                                   [&](const auto& member) { return same(member.first, meant); });
    if (meant.empty() || there) continue;
    add(value, fmt::format("there is no '{}' in a resource of this kind", printable(name, 60)),
        fmt::format("did you mean '{}'?", meant), policy::Severity::warning);
  }
}

// apis.json, groups.json and tags.json hold [{ "name": … }].
Status judge_list(TreeView& view, TreeReporter& reporter, const TreeFile& file) {
  const std::vector<Segment>& resource = file.artifact.resource;
  if (resource.empty()) return {};
  const std::string_view owner = resource.back().collection;
  if (owner != "products" && owner != "gateways" && owner != "apis") return {};
  const Result<std::string_view> text = view.text(file.path);
  if (!text) return fail(text.error());
  const Result<json::Value> value = parse_artifact(*text);
  if (!value) return {};  // artifact-json says so
  const std::uint32_t mark = text->starts_with("\xef\xbb\xbf") ? 3 : 0;
  const std::string help = "write [{ \"name\": \"orders\" }]";
  if (value->as_array() == nullptr) {
    if (!value->is_null())
      reporter.add(file.path, *text, value->span.begin + mark, value->span.end + mark,
                   fmt::format("{} where an array is due", value->type_name()), help);
    return {};
  }
  for (const json::Value& each : *value->as_array()) {
    if (each.is_null() || is_placeholder(each) || each.find_string("name") != nullptr) continue;
    reporter.add(file.path, *text, each.span.begin + mark, each.span.end + mark,
                 fmt::format("{} without a name; publishers pass it over", each.type_name()), help,
                 policy::Severity::warning);
  }
  return {};
}

Status check(TreeView& view, TreeReporter& reporter) {
  for (const TreeFile& file : view.judged()) {
    if (file.artifact.kind == ArtifactKind::link_list) {
      if (Status done = judge_list(view, reporter, file); !done) return done;
    }
    if (file.artifact.kind != ArtifactKind::information) continue;
    const std::size_t slash = file.path.rfind('/');
    std::string stem = ascii_lower(file.path.substr(slash == std::string::npos ? 0 : slash + 1));
    stem.resize(stem.size() - std::string_view("information.json").size());
    if (stem == "apiversionset") stem = "versionset";  // Azure/apiops 2 to 5
    const Result<std::string_view> text = view.text(file.path);
    if (!text) return fail(text.error());
    const Result<json::Value> value = parse_artifact(*text);
    if (!value) continue;  // artifact-json says so
    const std::uint32_t mark = text->starts_with("\xef\xbb\xbf") ? 3 : 0;
    const auto add = [&](const json::Value& at, std::string message, std::string help,
                         std::optional<policy::Severity> severity = {}) {
      reporter.add(file.path, *text, at.span.begin + mark, at.span.end + mark, std::move(message), std::move(help),
                   severity);
    };
    const auto names_stem = [&stem](const auto& each) { return each.file == stem; };
    if (std::none_of(kProperties.begin(), kProperties.end(), names_stem)) continue;
    if (value->as_object() == nullptr) {
      add(*value, fmt::format("{} where an object is due", value->type_name()), "write { \"properties\": { … } }");
      continue;
    }
    const json::Value* properties = value->find("properties");
    if (properties == nullptr || properties->is_null()) {
      const bool needed = std::any_of(kRequired.begin(), kRequired.end(), names_stem);
      if (needed && stands_alone(file.artifact) && !value->as_object()->empty())
        add(*value, fmt::format("'properties' is missing; ARM takes no {} without it", kind_name(stem)),
            "write { \"properties\": { … } }", policy::Severity::warning);
      continue;
    }
    if (properties->as_object() == nullptr) {
      add(*properties, fmt::format("'properties' is {}; ARM takes an object", properties->type_name()),
          "write { \"properties\": { … } }");
      continue;
    }
    for (const Property& each : kProperties) {
      if (each.file != stem) continue;
      const json::Value* found = properties->find(each.name);
      if (found == nullptr || is_placeholder(*found)) continue;
      if (!fits(*found, each.type)) {
        add(*found, fmt::format("'{}' is {}; ARM takes {}", each.name, found->type_name(), words(each.type)), {},
            converts(*found, each.type) ? std::optional(policy::Severity::warning) : std::nullopt);
        continue;
      }
      if (each.values.empty() || found->as_string() == nullptr || found->as_string()->empty()) continue;
      const std::string haystack = "|" + ascii_lower(each.values) + "|";
      if (haystack.find("|" + ascii_lower(*found->as_string()) + "|") == std::string::npos) {
        std::string accepted(each.values);
        for (std::size_t at = 0; (at = accepted.find('|', at)) != std::string::npos;) accepted.replace(at, 1, ", ");
        add(*found, fmt::format("'{}' is \"{}\"", each.name, printable(*found->as_string(), 60)),
            "accepted: " + accepted, policy::Severity::warning);
      }
    }
    for (const Required& each : kRequired) {
      if (each.file != stem || !stands_alone(file.artifact)) continue;
      const json::Value* found = properties->find(each.name);
      const bool empty = found != nullptr && found->as_string() != nullptr && found->as_string()->empty();
      if (empty && each.name != "path" &&
          !(stem == "backend" && is_pool(*properties))) {  // the API at the root has the empty one
        add(*found, fmt::format("'{}' is empty; ARM takes no {} without it", each.name, kind_name(stem)), {},
            policy::Severity::warning);
      }
      if ((found != nullptr && !found->is_null()) || (stem == "backend" && is_pool(*properties))) continue;
      add(*properties, fmt::format("'{}' is missing; ARM takes no {} without it", each.name, kind_name(stem)),
          fmt::format("add \"{}\"", each.name), policy::Severity::warning);
    }
    if (stands_alone(file.artifact)) {
      judge_parts(stem, *properties, add);
      judge_names(stem, *properties, add);
    }
    if (stem == "policyfragment" && file.artifact.resource.size() <= 3 && properties->find("value") == nullptr) {
      const Result<bool> there = view.exists(file.path.substr(0, file.path.rfind('/') + 1) + "policy.xml");
      if (!there) return fail(there.error());
      if (!*there)
        add(*properties, "this fragment has no policy.xml, and so no text", "add policy.xml beside it, or remove both",
            policy::Severity::warning);
    }
    if (stem == "namedvalue") {
      const json::Value* plain = properties->find("value");
      const json::Value* vault = properties->find("keyVault");
      const bool given =
          plain != nullptr && !plain->is_null() && (plain->as_string() == nullptr || !plain->as_string()->empty());
      if (given && vault != nullptr && !vault->is_null()) {
        add(*plain, "a named value has 'value' and 'keyVault'; ARM takes one of them",
            "remove 'value' where the secret is in the vault", policy::Severity::warning);
      }
    }
  }
  return {};
}

}  // namespace

const TreeRule kArtifactShape{
    {"artifact-shape", policy::Severity::error,
     "The properties of an artifact are there and have the types that ARM takes.",
     "ARM refuses a resource whose property has another type, or that lacks one it needs, in the middle of a "
     "deployment. What is missing is a warning: the deployment may fill it in.",
     "{ \"properties\": { \"subscriptionRequired\": \"yes\" } }",
     "{ \"properties\": { \"subscriptionRequired\": true } }"},
    check};

}  // namespace postern::tree
