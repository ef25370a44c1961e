// Policy documents as people write them, made from a seed: the same number gives the same document on every machine.

/** Numbers in [0, 1) from a seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** How large a document is to be: half below 2 KiB, a tenth above 8 KiB, and a tail that ends at 40 KiB. */
export function documentSize(next) {
  // A logarithmic normal distribution by Box and Muller.
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Math.min(40960, Math.max(300, Math.round(2048 * Math.exp(1.1 * normal))));
}

const kNames = ['orders', 'customers', 'invoices', 'stock', 'shipments', 'returns', 'ratings', 'baskets', 'prices', 'tenants'];

// Each block takes `e` (an expression in an attribute), `t` (one in text), a number and a name. In raw form both write
// the code as it is; in strict form what XML reserves is escaped.
const kInbound = [
  (e, t, n, name) => `        <!-- ${name}: callers of the ${name} service are told apart by their subscription, see the runbook, section ${n} -->
        <rate-limit-by-key calls="${10 + n}" renewal-period="60" counter-key="${e('@(context.Subscription?.Id ?? context.Request.IpAddress)')}" />
`,
  (e, t, n, name) => `        <validate-jwt header-name="Authorization" failed-validation-httpcode="401" failed-validation-error-message="Unauthorized" require-scheme="Bearer" output-token-variable-name="jwt-${n}">
            <openid-config url="https://login.example.com/${name}/.well-known/openid-configuration" />
            <audiences>
                <audience>api://${name}</audience>
            </audiences>
            <required-claims>
                <claim name="roles" match="any">
                    <value>${name}.read</value>
                    <value>${name}.write</value>
                </claim>
            </required-claims>
        </validate-jwt>
`,
  (e, t, n, name) => `        <set-variable name="${name}-${n}" value="${e(`@(context.Request.Headers.GetValueOrDefault("X-${name}", "none").Split(',').First().Trim())`)}" />
`,
  (e, t, n, name) => `        <choose>
            <when condition="${e(`@(context.Variables.GetValueOrDefault<string>("${name}-${n}", "") == "none" && context.Request.Method != "GET")`)}">
                <return-response>
                    <set-status code="400" reason="Bad Request" />
                    <set-header name="Content-Type" exists-action="override">
                        <value>application/json</value>
                    </set-header>
                    <set-body>{ "error": "the header X-${name} is missing", "code": ${n} }</set-body>
                </return-response>
            </when>
            <when condition="${e(`@(context.Request.Url.Query.ContainsKey("page") && int.Parse(context.Request.Url.Query.GetValueOrDefault("page", "1")) > ${n})`)}">
                <set-query-parameter name="page" exists-action="override">
                    <value>${n}</value>
                </set-query-parameter>
            </when>
            <otherwise>
                <set-header name="X-${name}-Checked" exists-action="override">
                    <value>true</value>
                </set-header>
            </otherwise>
        </choose>
`,
  (e, t, n, name) => `        <send-request mode="new" response-variable-name="${name}Response${n}" timeout="20" ignore-error="true">
            <set-url>${t(`@($"https://internal.example.com/${name}/{context.Request.MatchedParameters.GetValueOrDefault("id", "0")}?take=${n}")`)}</set-url>
            <set-method>POST</set-method>
            <set-header name="Content-Type" exists-action="override">
                <value>application/json</value>
            </set-header>
            <set-body>${t(`@{
                var body = context.Request.Body.As<JObject>(preserveContent: true);
                var total = 0;
                foreach (var line in body["lines"] ?? new JArray())
                {
                    // Free samples are not counted.
                    if ((int)line["quantity"] > 0 && (string)line["kind"] != "sample")
                    {
                        total += (int)line["quantity"];
                    }
                }
                return new JObject(new JProperty("total", total), new JProperty("source", "${name}-${n}")).ToString();
            }`)}</set-body>
        </send-request>
`,
  (e, t, n, name) => `        <set-header name="X-Correlation-${n}" exists-action="skip">
            <value>${t('@(context.RequestId.ToString())')}</value>
        </set-header>
        <set-backend-service base-url="https://${name}.internal.example.com/v${1 + (n % 3)}" />
        <rewrite-uri template="/${name}/search?text={text}" copy-unmatched-params="true" />
`,
  (e, t, n, name) => `        <set-body template="liquid">
        {
            "customer": {
                "number": "{{body.customer.number}}",
                "name": "{{body.customer.name | Upcase}}",
                "service": "${name}"
            },
            "lines": [
                {% JSONArrayFor line in body.lines %}
                { "article": "{{line.article}}", "quantity": {{line.quantity}} }
                {% endJSONArrayFor %}
            ]
        }
        </set-body>
`,
];
const kOutbound = [
  (e, t, n, name) => `        <set-header name="X-Powered-By-${n}" exists-action="delete" />
        <!-- The gateway's own name stays inside: ${name} -->
`,
  (e, t, n, name) => `        <choose>
            <when condition="${e(`@(context.Response.StatusCode >= 200 && context.Response.StatusCode < 300 && context.Response.Headers.GetValueOrDefault("Content-Type", "").Contains("json"))`)}">
                <set-body>${t(`@{
                    var answer = context.Response.Body.As<JObject>(preserveContent: true);
                    answer["${name}"] = string.Format("{0}-{1}", ${n}, context.Api.Name);
                    return answer.ToString(Newtonsoft.Json.Formatting.None);
                }`)}</set-body>
            </when>
        </choose>
`,
  (e, t, n, name) => `        <cache-store-value key="${e(`@("${name}-" + context.Request.MatchedParameters["id"])`)}" value="${e('@(context.Response.Body.As<string>(preserveContent: true))')}" duration="${60 + n}" />
`,
];
const kSoap = (name, n) => `        <set-body>
            <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:v1="http://example.com/${name}/v1">
                <soapenv:Header />
                <soapenv:Body>
                    <v1:Find>
                        <v1:Kind>${name}</v1:Kind>
                        <v1:Number>${n}</v1:Number>
                    </v1:Find>
                </soapenv:Body>
            </soapenv:Envelope>
        </set-body>
`;

/** One document: {text, raw}. `raw`: as the portal and most repositories keep it, which is often no well-formed XML. */
export function policyDocument(seed, raw) {
  const next = random(seed);
  const size = documentSize(next);
  const escape = (code, quotes) => {
    if (raw) return code;
    const text = code.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    return quotes ? text.replaceAll('"', '&quot;') : text;
  };
  const e = (code) => escape(code, true);
  const t = (code) => escape(code, false);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const block = (list) => pick(list)(e, t, 1 + Math.floor(next() * 40), pick(kNames));
  // Raw form is only what XML does not take if there is at least one of its expressions in it.
  let inbound = kInbound[2](e, t, 1 + (seed % 40), pick(kNames));
  let outbound = block(kOutbound);
  if (next() < 0.05) inbound += kSoap(pick(kNames), seed % 1000);
  while (inbound.length + outbound.length + 420 < size) {
    if (next() < 0.8) inbound += block(kInbound);
    else outbound += block(kOutbound);
  }
  return `<!--
    Policies of the ${pick(kNames)} API. Number ${seed}.
-->
<policies>
    <inbound>
        <base />
${inbound}    </inbound>
    <backend>
        <base />
    </backend>
    <outbound>
        <base />
${outbound}    </outbound>
    <on-error>
        <base />
    </on-error>
</policies>
`;
}
