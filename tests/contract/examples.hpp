#pragma once

#include <boost/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace gateway::contract {

struct example {
  std::string name;  // "create-session/documented"
  boost::json::object content;

  const boost::json::object* upstream() const;            // null: Podero is not asked
  const boost::json::object& at(const char* part) const;  // "request", "response"
  std::string operation() const { return name.substr(0, name.find('/')); }
};

std::filesystem::path folder();  // proto-free-api
std::string read_file(const std::filesystem::path& path);

// All of examples/, in the order of their names.
const std::vector<example>& examples();

// What is sent for a request or response of an example: its text, its lines, or its body as JSON.
std::string payload(const boost::json::object& message);

}  // namespace gateway::contract
