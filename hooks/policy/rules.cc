#include "hooks/policy/rules.h"

namespace postern::policy {

// One line here and one file in rules/ make a rule.
extern const Rule k_encoding;
extern const Rule k_xml_syntax;
extern const Rule k_doctype;
extern const Rule k_document_size;
extern const Rule k_unclosed_tag;
extern const Rule k_mismatched_tag;
extern const Rule k_duplicate_attribute;
extern const Rule k_document_root;
extern const Rule k_unknown_section;
extern const Rule k_duplicate_section;
extern const Rule k_unknown_element;
extern const Rule k_misplaced_element;
extern const Rule k_wrong_section;
extern const Rule k_wrong_scope;
extern const Rule k_missing_attribute;
extern const Rule k_unknown_attribute;
extern const Rule k_bad_value;
extern const Rule k_value_form;
extern const Rule k_value_range;
extern const Rule k_attribute_combination;
extern const Rule k_missing_element;
extern const Rule k_too_many_elements;
extern const Rule k_element_order;
extern const Rule k_element_combination;
extern const Rule k_unexpected_text;
extern const Rule k_missing_text;
extern const Rule k_backend_single_policy;
extern const Rule k_base_placement;
extern const Rule k_once_per_document;
extern const Rule k_once_per_section;
extern const Rule k_expression_balance;
extern const Rule k_expression_text;
extern const Rule k_lost_mark;
extern const Rule k_expression_syntax;
extern const Rule k_expression_return;
extern const Rule k_expression_statement;
extern const Rule k_expression_context;
extern const Rule k_expression_name;
extern const Rule k_expression_operand;
extern const Rule k_expression_type;
extern const Rule k_expression_unlisted;
extern const Rule k_expression_not_allowed;
extern const Rule k_missing_base;
extern const Rule k_unreachable_policy;
extern const Rule k_cors_credentials;
extern const Rule k_deprecated_policy;
extern const Rule k_fragment_in_fragment;
extern const Rule k_allowed_host;
extern const Rule k_undecidable_host;
extern const Rule k_forbidden_policy;
extern const Rule k_wrong_gateway;
extern const Rule k_inline_secret;
extern const Rule k_unreachable_branch;
extern const Rule k_late_backend;
extern const Rule k_cache_pair;
extern const Rule k_sql_concatenation;
extern const Rule k_sensitive_log;
extern const Rule k_certificate_unchecked;
extern const Rule k_suppression;

namespace {
const Rule* const kRules[] = {
    &k_encoding,
    &k_xml_syntax,
    &k_doctype,
    &k_document_size,
    &k_unclosed_tag,
    &k_mismatched_tag,
    &k_duplicate_attribute,
    &k_document_root,
    &k_unknown_section,
    &k_duplicate_section,
    &k_unknown_element,
    &k_misplaced_element,
    &k_wrong_section,
    &k_wrong_scope,
    &k_missing_attribute,
    &k_unknown_attribute,
    &k_bad_value,
    &k_value_range,
    &k_value_form,
    &k_attribute_combination,
    &k_missing_element,
    &k_too_many_elements,
    &k_element_order,
    &k_element_combination,
    &k_unexpected_text,
    &k_missing_text,
    &k_backend_single_policy,
    &k_base_placement,
    &k_once_per_document,
    &k_once_per_section,
    &k_expression_balance,
    &k_expression_text,
    &k_lost_mark,
    &k_expression_syntax,
    &k_expression_return,
    &k_expression_statement,
    &k_expression_context,
    &k_expression_name,
    &k_expression_operand,
    &k_expression_type,
    &k_expression_unlisted,
    &k_expression_not_allowed,
    &k_missing_base,
    &k_unreachable_policy,
    &k_cors_credentials,
    &k_deprecated_policy,
    &k_fragment_in_fragment,
    &k_allowed_host,
    &k_undecidable_host,
    &k_forbidden_policy,
    &k_wrong_gateway,
    &k_inline_secret,
    &k_unreachable_branch,
    &k_late_backend,
    &k_cache_pair,
    &k_sql_concatenation,
    &k_sensitive_log,
    &k_certificate_unchecked,
    &k_suppression,
};
}  // namespace

std::span<const Rule* const> rules() { return kRules; }

const Rule* find_rule(std::string_view id) {
  for (const Rule* rule : kRules)
    if (rule->id == id) return rule;
  return nullptr;
}

}  // namespace postern::policy
