#pragma once

#include <string>
#include <string_view>

// Of the Markdown of a problem type (problems/NAME.md) what is served. Part of the build, not of the gateway.
namespace gateway::proto_free_api {

struct problem_forms {
  std::string html;  // a page for people, in one piece: no other resource is needed
  std::string json;  // the same for programs: schemas/problem-page.json
};

// Throws std::runtime_error where the page is not as the others: a title, the row of type, status and retry, and the
// sections "What it means", "What to do" and "Example".
problem_forms forms_of(std::string_view markdown);

}  // namespace gateway::proto_free_api
