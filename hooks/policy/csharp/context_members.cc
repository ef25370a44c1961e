#include "hooks/policy/csharp/context_members.h"

#include <array>
#include <vector>

#include "hooks/policy/suggest.h"

namespace postern::policy {
namespace {

// These take the extension methods of System.Linq, so they stay open.
constexpr ContextType kText{"string", {}, false, nullptr, Scalar::text};
constexpr ContextType kNumber{"int", {}, false, nullptr, Scalar::number};
constexpr ContextType kBoolean{"bool", {}, false, nullptr, Scalar::boolean};
constexpr std::array kObject = {ContextMember{"ToString", &kText, true}, ContextMember{"Equals", &kBoolean, true},
                                ContextMember{"GetHashCode", &kNumber, true}, ContextMember{"GetType", nullptr, true}};
// What stands in a variable: nothing but a cast leads on.
constexpr ContextType kAnything{"object", kObject,      true,
                                nullptr,  Scalar::none, "cast it first: ((JObject)context.Variables[\"name\"])"};

// Dictionaries and sequences take every extension method of System.Linq, so they stay open; the members are there for
// the hint when a name differs by case alone.
constexpr std::array kVariablesMembers = {ContextMember{"GetValueOrDefault", nullptr, true},
                                          ContextMember{"ContainsKey", &kBoolean, true},
                                          ContextMember{"TryGetValue", &kBoolean, true},
                                          ContextMember{"Keys"},
                                          ContextMember{"Values"},
                                          ContextMember{"Count"}};
// The values of a header or a query parameter; GetValueOrDefault joins them.
constexpr std::array kValuesMembers = {ContextMember{"GetValueOrDefault", &kText, true},
                                       ContextMember{"ContainsKey", &kBoolean, true},
                                       ContextMember{"TryGetValue", &kBoolean, true},
                                       ContextMember{"Keys"},
                                       ContextMember{"Values"},
                                       ContextMember{"Count"}};
constexpr ContextType kDictionary{"IReadOnlyDictionary", kVariablesMembers, false};
constexpr ContextType kValues{"IReadOnlyDictionary", kValuesMembers, false};
constexpr ContextType kVariables{"IReadOnlyDictionary", kVariablesMembers, false, &kAnything};
constexpr ContextType kParameters{"IReadOnlyDictionary", kValuesMembers, false, &kText};

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
    ContextMember{"As", nullptr, true},       ContextMember{"AsFormUrlEncodedContent", nullptr, true},
    ContextMember{"AsJArray", nullptr, true}, ContextMember{"AsJObject", nullptr, true},
    ContextMember{"AsJToken", nullptr, true}, ContextMember{"AsMultipartContent", nullptr, true}};
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
    ContextMember{"Timestamp"}, ContextMember{"Trace", nullptr, true}, ContextMember{"Tracing", &kBoolean},
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
  for (const ContextType* type : kNamed) {
    if (type->name == name) return type;
  }
  return nullptr;
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
