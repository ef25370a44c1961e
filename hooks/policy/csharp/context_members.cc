#include "hooks/policy/csharp/context_members.h"

#include <algorithm>
#include <array>
#include <vector>

#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

extern const ContextType kText;
extern const ContextType kNumber;
extern const ContextType kBoolean;
extern const ContextType kCharacter;
extern const ContextType kTexts;
extern const ContextType kJwt;

// https://learn.microsoft.com/dotnet/api/system.string and, at its end, what APIM adds to it.
constexpr std::array kTextMembers = {ContextMember{"Length", &kNumber},
                                     ContextMember{"CompareTo", &kNumber, true, "?"},
                                     ContextMember{"Contains", &kBoolean, true, "s|c|s?|c?"},
                                     ContextMember{"CopyTo", nullptr, true},
                                     ContextMember{"EndsWith", &kBoolean, true, "s|c|s?|s??"},
                                     ContextMember{"Equals", &kBoolean, true, "?|??"},
                                     ContextMember{"GetEnumerator", nullptr, true, ""},
                                     ContextMember{"GetHashCode", &kNumber, true, "|?"},
                                     ContextMember{"GetType", nullptr, true, ""},
                                     ContextMember{"GetTypeCode", nullptr, true, ""},
                                     ContextMember{"IndexOf", &kNumber, true, "s*|c*"},
                                     ContextMember{"IndexOfAny", &kNumber, true, "o|on|onn"},
                                     ContextMember{"Insert", &kText, true, "ns"},
                                     ContextMember{"IsNormalized", &kBoolean, true},
                                     ContextMember{"LastIndexOf", &kNumber, true, "s*|c*"},
                                     ContextMember{"LastIndexOfAny", &kNumber, true, "o|on|onn"},
                                     ContextMember{"Normalize", &kText, true},
                                     ContextMember{"PadLeft", &kText, true, "n|nc"},
                                     ContextMember{"PadRight", &kText, true, "n|nc"},
                                     ContextMember{"Remove", &kText, true, "n|nn"},
                                     ContextMember{"Replace", &kText, true, "ss|cc|ss?|ss??"},
                                     ContextMember{"Split", &kTexts, true, "|s*|c*|o*"},
                                     ContextMember{"StartsWith", &kBoolean, true, "s|c|s?|s??"},
                                     ContextMember{"Substring", &kText, true, "n|nn"},
                                     ContextMember{"ToCharArray", nullptr, true, "|nn"},
                                     ContextMember{"ToLower", &kText, true, "|o"},
                                     ContextMember{"ToLowerInvariant", &kText, true, ""},
                                     ContextMember{"ToString", &kText, true, "|o"},
                                     ContextMember{"ToUpper", &kText, true, "|o"},
                                     ContextMember{"ToUpperInvariant", &kText, true, ""},
                                     ContextMember{"Trim", &kText, true, "|c*|o"},
                                     ContextMember{"TrimEnd", &kText, true, "|c*|o"},
                                     ContextMember{"TrimStart", &kText, true, "|c*|o"},
                                     ContextMember{"Clone", nullptr, true, ""},
                                     ContextMember{"AsBasic", nullptr, true, ""},
                                     ContextMember{"AsJwt", &kJwt, true, ""},
                                     ContextMember{"TryParseBasic", &kBoolean, true, "?"},
                                     ContextMember{"TryParseJwt", &kBoolean, true, "?"}};
constexpr std::array kNumberMembers = {ContextMember{"CompareTo", &kNumber, true, "?"},
                                       ContextMember{"GetTypeCode", nullptr, true, ""},
                                       ContextMember{"ToString", &kText, true, "|s|o|s?"}};
constexpr std::array kBooleanMembers = {ContextMember{"CompareTo", &kNumber, true, "?"},
                                        ContextMember{"GetTypeCode", nullptr, true, ""},
                                        ContextMember{"ToString", &kText, true, "|o"}};
// A string takes the extension methods of System.Linq, so it stays open.
constexpr ContextType kText{"string", kTextMembers, false, &kCharacter, Scalar::text, {}, 'n'};
constexpr ContextType kNumber{"a number", kNumberMembers, true, nullptr, Scalar::number};
constexpr ContextType kBoolean{"bool", kBooleanMembers, true, nullptr, Scalar::boolean};
constexpr ContextType kCharacter{"char", kBooleanMembers, true, nullptr, Scalar::character};
constexpr std::array kObject = {
    ContextMember{"ToString", &kText, true}, ContextMember{"Equals", &kBoolean, true, "?|??"},
    ContextMember{"GetHashCode", &kNumber, true, ""}, ContextMember{"GetType", nullptr, true, ""}};
// What stands in a variable: nothing but a cast leads on.
constexpr ContextType kAnything{"object", kObject,      true,
                                nullptr,  Scalar::none, "cast it first: ((JObject)context.Variables[\"name\"])"};

// Dictionaries and sequences take every extension method of System.Linq, so they stay open; the members are there for
// the hint when a name differs by case alone.
constexpr std::array kVariablesMembers = {ContextMember{"GetValueOrDefault", nullptr, true, "s|s?"},
                                          ContextMember{"ContainsKey", &kBoolean, true, "s"},
                                          ContextMember{"TryGetValue", &kBoolean, true, "s?"},
                                          ContextMember{"Keys"},
                                          ContextMember{"Values"},
                                          ContextMember{"Count"}};
constexpr std::array kTextsMembers = {ContextMember{"Length", &kNumber}, ContextMember{"GetLength", &kNumber, true},
                                      ContextMember{"GetValue", nullptr, true}, ContextMember{"Clone", nullptr, true},
                                      ContextMember{"CopyTo", nullptr, true}};
constexpr ContextType kTexts{"string[]", kTextsMembers, false, &kText, Scalar::none, {}, 'n'};
// The values of a header or a query parameter; GetValueOrDefault joins them.
constexpr std::array kValuesMembers = {ContextMember{"GetValueOrDefault", &kText, true, "s|ss"},
                                       ContextMember{"ContainsKey", &kBoolean, true, "s"},
                                       ContextMember{"TryGetValue", &kBoolean, true, "s?"},
                                       ContextMember{"Keys"},
                                       ContextMember{"Values"},
                                       ContextMember{"Count"}};
constexpr ContextType kDictionary{"IReadOnlyDictionary", kVariablesMembers, false};
constexpr ContextType kValues{"IReadOnlyDictionary", kValuesMembers, false, &kTexts, Scalar::none, {}, 's'};
constexpr ContextType kVariables{"IReadOnlyDictionary", kVariablesMembers, false, &kAnything, Scalar::none, {}, 's'};
constexpr ContextType kParameters{"IReadOnlyDictionary", kValuesMembers, false, &kText, Scalar::none, {}, 's'};

constexpr std::array kUrlMembers = {ContextMember{"Host", &kText},
                                    ContextMember{"Path", &kText},
                                    ContextMember{"Port"},
                                    ContextMember{"Scheme", &kText},
                                    ContextMember{"QueryString", &kText},
                                    ContextMember{"Query", &kValues},
                                    ContextMember{"ToQueryString", nullptr, true},
                                    ContextMember{"ToUri", nullptr, true}};
constexpr ContextType kUrl{"IUrl", kUrlMembers};

constexpr std::array kBodyMembers = {
    ContextMember{"As", nullptr, true, "|b"},       ContextMember{"AsFormUrlEncodedContent", nullptr, true, "|b"},
    ContextMember{"AsJArray", nullptr, true, "|b"}, ContextMember{"AsJObject", nullptr, true, "|b"},
    ContextMember{"AsJToken", nullptr, true, "|b"}, ContextMember{"AsMultipartContent", nullptr, true, "|b"}};
constexpr ContextType kBody{"IMessageBody", kBodyMembers};

constexpr std::array kSubscriptionNames = {ContextMember{"Header"}, ContextMember{"Query"}};
constexpr ContextType kKeyNames{"ISubscriptionKeyParameterNames", kSubscriptionNames};

constexpr std::array kApiMembers = {ContextMember{"Id", &kText},
                                    ContextMember{"Name", &kText},
                                    ContextMember{"Path", &kText},
                                    ContextMember{"Revision", &kText},
                                    ContextMember{"Version", &kText},
                                    ContextMember{"ServiceUrl", &kUrl},
                                    ContextMember{"IsCurrentRevision", &kBoolean},
                                    ContextMember{"Protocols"},
                                    ContextMember{"SubscriptionKeyParameterNames", &kKeyNames},
                                    ContextMember{"Workspace"},
                                    ContextMember{"Type"}};
constexpr ContextType kApi{"IApi", kApiMembers};

constexpr std::array kBackendMembers = {ContextMember{"Id", &kText}, ContextMember{"Type"},
                                        ContextMember{"AzureRegion"}};
constexpr ContextType kBackend{"IBackend", kBackendMembers};

constexpr std::array kGatewayMembers = {ContextMember{"Id", &kText}, ContextMember{"InstanceId"},
                                        ContextMember{"IsManaged", &kBoolean}};
constexpr ContextType kGateway{"IGateway", kGatewayMembers};
constexpr std::array kSustainabilityMembers = {ContextMember{"CurrentCarbonIntensity"}};
constexpr ContextType kSustainability{"ISustainabilityInfo", kSustainabilityMembers};
constexpr std::array kDeploymentMembers = {ContextMember{"Gateway", &kGateway},
                                           ContextMember{"GatewayId", &kText},
                                           ContextMember{"Region", &kText},
                                           ContextMember{"ServiceId", &kText},
                                           ContextMember{"ServiceName", &kText},
                                           ContextMember{"Certificates", &kDictionary},
                                           ContextMember{"SustainabilityInfo", &kSustainability}};
constexpr ContextType kDeployment{"IDeployment", kDeploymentMembers};

constexpr std::array kGraphQlMembers = {ContextMember{"Arguments"}, ContextMember{"Parent"},
                                        ContextMember{"ParentResult"}};
constexpr ContextType kGraphQl{"IGraphQLData", kGraphQlMembers};

constexpr std::array kLastErrorMembers = {
    ContextMember{"Source", &kText},   ContextMember{"Reason", &kText},  ContextMember{"Message", &kText},
    ContextMember{"Scope", &kText},    ContextMember{"Section", &kText}, ContextMember{"Path", &kText},
    ContextMember{"PolicyId", &kText}, ContextMember{"HttpErrorCode"},   ContextMember{"Elapsed"}};
constexpr ContextType kLastError{"ILastError", kLastErrorMembers};

constexpr std::array kOperationMembers = {ContextMember{"Id", &kText}, ContextMember{"Method", &kText},
                                          ContextMember{"Name", &kText}, ContextMember{"UrlTemplate", &kText}};
constexpr ContextType kOperation{"IOperation", kOperationMembers};

constexpr std::array kProductMembers = {ContextMember{"Id", &kText},
                                        ContextMember{"Name", &kText},
                                        ContextMember{"ApprovalRequired", &kBoolean},
                                        ContextMember{"Groups"},
                                        ContextMember{"State"},
                                        ContextMember{"SubscriptionRequired", &kBoolean},
                                        ContextMember{"SubscriptionsLimit"},
                                        ContextMember{"SubscriptionLimit"},
                                        ContextMember{"Apis"},
                                        ContextMember{"Workspace"}};
constexpr ContextType kProduct{"IProduct", kProductMembers};

constexpr std::array kPrivateEndpointMembers = {ContextMember{"Name", &kText}, ContextMember{"GroupId"},
                                                ContextMember{"MemberName"}};
constexpr ContextType kPrivateEndpoint{"IPrivateEndpointConnection", kPrivateEndpointMembers};
constexpr std::array kRequestMembers = {ContextMember{"Body", &kBody},
                                        ContextMember{"Certificate"},
                                        ContextMember{"Headers", &kValues},
                                        ContextMember{"IpAddress", &kText},
                                        ContextMember{"MatchedParameters", &kParameters},
                                        ContextMember{"Method", &kText},
                                        ContextMember{"OriginalMethod", &kText},
                                        ContextMember{"OriginalUrl", &kUrl},
                                        ContextMember{"Url", &kUrl},
                                        ContextMember{"PrivateEndpointConnection", &kPrivateEndpoint},
                                        ContextMember{"AzureVnetInfo"},
                                        ContextMember{"Foundry"}};
constexpr ContextType kRequest{"IRequest", kRequestMembers};

constexpr std::array kResponseMembers = {ContextMember{"Body", &kBody}, ContextMember{"Headers", &kValues},
                                         ContextMember{"StatusCode", &kNumber}, ContextMember{"StatusReason", &kText}};
constexpr ContextType kResponse{"IResponse", kResponseMembers};

constexpr std::array kSubscriptionMembers = {ContextMember{"Id", &kText},
                                             ContextMember{"Name", &kText},
                                             ContextMember{"Key", &kText},
                                             ContextMember{"PrimaryKey", &kText},
                                             ContextMember{"SecondaryKey", &kText},
                                             ContextMember{"CreatedDate"},
                                             ContextMember{"CreatedTime"},
                                             ContextMember{"StartDate"},
                                             ContextMember{"EndDate"}};
constexpr ContextType kSubscription{"ISubscription", kSubscriptionMembers};

constexpr std::array kUserMembers = {
    ContextMember{"Id", &kText},       ContextMember{"Email", &kText}, ContextMember{"FirstName", &kText},
    ContextMember{"LastName", &kText}, ContextMember{"Note", &kText},  ContextMember{"RegistrationDate"},
    ContextMember{"Groups"},           ContextMember{"Identities"}};
constexpr ContextType kUser{"IUser", kUserMembers};

constexpr std::array kWorkspaceMembers = {ContextMember{"Id", &kText}, ContextMember{"Name", &kText}};
constexpr ContextType kWorkspace{"IWorkspace", kWorkspaceMembers};

constexpr std::array kContextMembers = {
    ContextMember{"Api", &kApi}, ContextMember{"Backend", &kBackend}, ContextMember{"Deployment", &kDeployment},
    ContextMember{"Elapsed"}, ContextMember{"GraphQL", &kGraphQl}, ContextMember{"LastError", &kLastError},
    ContextMember{"Operation", &kOperation},
    // The GraphQL preview had it before GraphQL.Parent.
    ContextMember{"ParentResult"}, ContextMember{"Product", &kProduct}, ContextMember{"Request", &kRequest},
    ContextMember{"RequestId"}, ContextMember{"Response", &kResponse}, ContextMember{"Subscription", &kSubscription},
    ContextMember{"Timestamp"}, ContextMember{"Trace", nullptr, true, "s"}, ContextMember{"Tracing", &kBoolean},
    ContextMember{"User", &kUser}, ContextMember{"Variables", &kVariables}, ContextMember{"Workspace", &kWorkspace}};
constexpr ContextType kContext{"context", kContextMembers};

constexpr std::array kJwtMembers = {
    ContextMember{"Algorithm", &kText}, ContextMember{"Audiences"},  ContextMember{"Claims", &kValues},
    ContextMember{"ExpirationTime"},    ContextMember{"Id", &kText}, ContextMember{"Issuer", &kText},
    ContextMember{"IssuedAt"},          ContextMember{"NotBefore"},  ContextMember{"Subject", &kText},
    ContextMember{"Type", &kText},      ContextMember{"Header"},     ContextMember{"Payload"}};
constexpr ContextType kJwt{"Jwt", kJwtMembers};

constexpr std::array kNamed = {&kJwt,          &kText,      &kApi,     &kBackend,   &kDeployment,
                               &kLastError,    &kOperation, &kProduct, &kRequest,   &kUser,
                               &kSubscription, &kUrl,       &kBody,    &kWorkspace, &kResponse};

}  // namespace

const ContextType* find_context_type(std::string_view name) {
  for (const std::string_view number : {"int", "long", "short", "double", "decimal", "float"}) {
    if (name == number) return &kNumber;
  }
  if (name == "bool") return &kBoolean;
  if (name == "char") return &kCharacter;
  for (const ContextType* type : kNamed) {
    if (type->name == name) return type;
  }
  return nullptr;
}

bool takes_argument(char letter, Scalar argument) {
  if (argument == Scalar::none) return true;
  switch (letter) {
    case 's': return argument == Scalar::text || argument == Scalar::null;
    case 'n': return argument == Scalar::number || argument == Scalar::character;
    case 'b': return argument == Scalar::boolean;
    case 'c': return argument == Scalar::character;
    case 'o': return argument == Scalar::null;
    default: return true;
  }
}

bool takes_arguments(std::string_view takes, std::span<const Scalar> arguments) {
  for (;;) {
    const std::size_t end = std::min(takes.find('|'), takes.size());
    std::string_view one = takes.substr(0, end);
    const bool more = one.ends_with('*');
    if (more) one.remove_suffix(1);
    const bool fits = more ? arguments.size() >= one.size() : arguments.size() == one.size();
    if (fits && std::equal(one.begin(), one.end(), arguments.begin(), takes_argument)) return true;
    if (end == takes.size()) return false;
    takes.remove_prefix(end + 1);
  }
}

const ContextType& context_type() { return kContext; }

const ContextMember* find_member(const ContextType& type, std::string_view name) {
  for (const ContextMember& member : type.members) {
    if (member.name == name) return &member;
  }
  for (const ContextMember& member : kObject) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

std::string_view near_member(const ContextType& type, std::string_view name) {
  std::vector<std::string_view> names;
  names.reserve(type.members.size());
  for (const ContextMember& member : type.members) names.push_back(member.name);
  return closest(name, names);
}

}  // namespace postern::policy
