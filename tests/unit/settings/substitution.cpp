#include "settings/substitution.hpp"

#include "fake_environment.hpp"

#include <doctest/doctest.h>

using namespace gateway::settings;

namespace {

std::string complaint_about(std::string_view text) {
  const fake_environment env;
  const auto out = expand(text, "/etc/gateway", env);
  REQUIRE(out.complaints.size() == 1);
  return out.complaints.front();
}

}  // namespace

TEST_CASE("Variables and files are put in wherever they stand") {
  fake_environment env;
  env.variables["DIR"] = "/run/demo";
  env.files["/etc/gateway/zone"] = "AT\r\n";
  CHECK(expand("${env:DIR}/ca.pem", "/etc/gateway", env).text == "/run/demo/ca.pem");
  CHECK(expand("<${file:zone}${env:DIR}>", "/etc/gateway", env).text == "<AT/run/demo>");
  CHECK_FALSE(expand("a $ b {c}", "/etc/gateway", env).substituted);
}

TEST_CASE("What was put in is not looked at again, and $${ is a literal ${") {
  fake_environment env;
  env.variables["A"] = "${env:B}";
  CHECK(expand("${env:A}", "", env).text == "${env:B}");
  CHECK(expand("$${env:A}", "", env).text == "${env:A}");
}

TEST_CASE("An escaped text expands to itself") {
  const fake_environment env;
  for (const auto* text : {"", "${env:X}", "$${", "$$$${x", "a${", "100 $"}) {
    CAPTURE(text);
    CHECK(expand(escaped(text), "", env).text == text);
  }
}

TEST_CASE("What cannot be put in is named") {
  CHECK(complaint_about("${env:NOWHERE}") == R"("${env:NOWHERE}" is not set in the environment)");
  CHECK(complaint_about("${file:secret}") ==
        R"("${file:secret}" cannot be read: /etc/gateway/secret: No such file or directory)");
  CHECK(complaint_about("${env:}") == R"("${env:}" names no variable)");
  CHECK(complaint_about("a${env:X") == "a ${ has no closing } (write $${ for a literal ${)");
}

TEST_CASE("An unknown reference is not shown, because it may be the middle of a secret") {
  CHECK(complaint_about("pa${ss}word") ==
        "a ${...} is neither ${env:NAME} nor ${file:PATH} (write $${ for a literal ${)");
}

TEST_CASE("Every reference of a text that cannot be put in is reported") {
  const fake_environment env;
  CHECK(expand("${env:A}${env:B}", "", env).complaints.size() == 2);
}
