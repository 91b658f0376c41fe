#pragma once

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace gateway::contract {

// The faults of `value` by a schema of proto-free-api/schemas, each with its place ("/gateway/state: ..."). Knows the
// keywords that those schemas use: $ref, type, enum, const, required, properties, additionalProperties, items,
// minItems, oneOf, pattern, minLength, maxLength, minimum, maximum, format uuid and date-time. Throws on any other, so
// that a schema never promises what nobody checks.
std::vector<std::string> schema_faults(const boost::json::value& value, const std::string& schema_file);

}  // namespace gateway::contract
