// The files in config/ say what is true.
#include "fake_environment.hpp"
#include "made_certificates.hpp"

#include <boost/json.hpp>

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

using namespace gateway::settings;
namespace json = boost::json;

namespace {

std::string text_of(const std::string& name) {
  const auto text = system_environment{}.read_file("config/" + name);  // tests run at the project's root
  REQUIRE(text);
  return *text;
}

fake_environment documented() {
  const auto pair = make_pair_of_files();
  fake_environment env;
  env.variables = {{"PODERO_SANDBOX_CLIENT_ID", "example-id"},
                   {"PODERO_SANDBOX_CLIENT_SECRET", "example-secret-not-real"},
                   {"DEMO_DIR", "/tmp/demo"}};
  env.files = {{"/run/secrets/podero-client-id", "example-id\n"},
               {"/run/secrets/podero-client-secret", "example-secret-not-real\n"},
               {"/run/secrets/redis-password", "example-secret-not-real\n"},
               {"/run/secrets/tls.crt", pair.certificate},
               {"/run/secrets/tls.key", pair.key},
               {"/run/secrets/clients.pem", pair.certificate},
               {"/etc/ssl/certs/our-ca.pem", pair.certificate},
               {"/tmp/demo/ca.pem", pair.certificate},
               {"/tmp/demo/client-secret", "example-secret-not-real\n"}};
  return env;
}

configuration read(const std::string& text) {
  auto c = parse(text, "config/gateway.yaml", documented());
  REQUIRE((c ? "" : gateway::settings::text(c.error())) == "");
  return *c;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + '\n';
  return out;
}

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_comment(std::string_view line) {
  const auto at = indentation(line);
  return at == line.size() || line[at] == '#';
}

// "#key: value" becomes "key: value"; prose has a space after its #.
std::string with_everything_on(const std::string& text) {
  auto lines = lines_of(text);
  for (auto& line : lines) {
    const auto at = indentation(line);
    if (at + 1 < line.size() && line[at] == '#' && line[at + 1] != ' ') line.erase(at, 1);
  }
  return joined(lines);
}

// Without the lines that claim to say the default, and without the sections that are empty then.
std::string without_defaults(const std::string& text) {
  auto lines = lines_of(text);
  std::erase_if(
      lines, [](const std::string& line) { return is_comment(line) || line.find("# default") != std::string::npos; });
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (lines[i].ends_with(':') && (i + 1 == lines.size() || indentation(lines[i + 1]) <= indentation(lines[i]))) {
        lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
        changed = true;
      }
  }
  return joined(lines);
}

// Follows a key such as "accounts.*.limits.requests[].rate" to every place it could stand.
bool stands_in(const YAML::Node& node, std::string_view key) {
  if (key.empty()) return true;
  if (key.starts_with("[]")) {
    if (!node.IsSequence()) return false;
    return std::ranges::any_of(node, [&](const YAML::Node& one) { return stands_in(one, key.substr(2)); });
  }
  if (key.starts_with('.')) key.remove_prefix(1);
  if (!node.IsMap()) return false;
  const auto name = key.substr(0, key.find_first_of(".["));
  const auto rest = key.substr(name.size());
  for (const auto& one : node)
    if ((name == "*" || one.first.Scalar() == name) && stands_in(one.second, rest)) return true;
  return false;
}

// Every key that the schema knows, in the form of known_keys().
class schema_keys {
 public:
  explicit schema_keys(const json::object& root) : root_{root} { walk(root, ""); }
  const std::set<std::string>& all() const { return keys_; }

 private:
  void walk(const json::object& schema, const std::string& path) {
    if (const auto* ref = schema.if_contains("$ref")) walk(defined(std::string{ref->as_string()}), path);
    if (const auto* properties = schema.if_contains("properties"))
      for (const auto& one : properties->as_object()) add(path, std::string{one.key()}, one.value());
    if (const auto* rest = schema.if_contains("additionalProperties"); rest != nullptr && *rest != json::value(false))
      add(path, "*", *rest);
    if (const auto* items = schema.if_contains("items")) walk(items->as_object(), path + "[]");
    for (const auto* const way : {"anyOf", "oneOf", "allOf"})
      if (const auto* ways = schema.if_contains(way))
        for (const auto& one : ways->as_array()) walk(one.as_object(), path);
  }

  // "#/$defs/NAME"; throws, and so fails the test, if there is no such definition.
  const json::object& defined(const std::string& pointer) const {
    return root_.at("$defs").as_object().at(pointer.substr(pointer.rfind('/') + 1)).as_object();
  }

  void add(const std::string& path, const std::string& name, const json::value& schema) {
    const auto key = path.empty() ? name : path + '.' + name;
    keys_.insert(key);
    if (const auto* object = schema.if_object()) walk(*object, key);
  }

  const json::object& root_;
  std::set<std::string> keys_;
};

std::vector<std::string> missing_from(const std::set<std::string>& all, const std::vector<std::string>& wanted) {
  std::vector<std::string> out;
  std::ranges::copy_if(wanted, std::back_inserter(out), [&](const std::string& key) { return !all.contains(key); });
  return out;
}

}  // namespace

TEST_CASE("gateway.yaml is a valid configuration") {
  const auto c = read(text_of("gateway.yaml"));
  CHECK(c.accounts.size() == 2);
  CHECK(c.callers.at("customer-portal").weight == 4);
}

TEST_CASE("gateway.yaml is valid with every key turned on, and shows every key there is") {
  const auto text = with_everything_on(text_of("gateway.yaml"));
  const auto c = read(text);
  CHECK(c.listeners.api.tls.has_value());
  CHECK(c.shared_state.redis.has_value());
  const auto tree = YAML::Load(text);
  for (const auto& key : known_keys()) {
    // The other form of a secret is explained at the top of the file.
    if (key.ends_with(".redis.password")) continue;
    CAPTURE(key);
    CHECK(stands_in(tree, key));
  }
}

TEST_CASE("What gateway.yaml calls a default is one") {
  const auto text = text_of("gateway.yaml");
  const auto less = without_defaults(text);
  CAPTURE(less);
  CHECK(less.size() < text.size() / 3);
  CHECK(print(read(less)) == print(read(text)));
}

TEST_CASE("The schema and the reader know the same keys") {
  const auto schema = json::parse(text_of("gateway.schema.json"));
  const schema_keys in_schema{schema.as_object()};
  const auto known = known_keys();
  CHECK(missing_from(in_schema.all(), known) == std::vector<std::string>{});
  CHECK(missing_from({known.begin(), known.end()}, {in_schema.all().begin(), in_schema.all().end()}) ==
        std::vector<std::string>{});
  CHECK(known.size() > 140);
}

TEST_CASE("demo.yaml serves anonymous callers on this machine and trusts the simulator's CA") {
  const auto c = read(text_of("demo.yaml"));
  CHECK(c.listeners.api.address.to_string() == "127.0.0.1");
  CHECK(c.listeners.api.port == 8080);
  CHECK(c.listeners.admin.address.to_string() == "127.0.0.1");
  CHECK(c.listeners.admin.port == 9090);
  CHECK(c.callers.empty());
  CHECK(c.log.format == log_format::text);
  REQUIRE(c.accounts.size() == 1);
  const auto& a = c.accounts.at("sandbox");
  CHECK(a.base_url.text() == "https://localhost:9443/api/partners/v2.0");
  CHECK(a.token.url.text() == "https://localhost:9443/oauth2/token/");
  CHECK(a.token.client_id.content.reveal() == "demo-client");
  CHECK(a.token.client_secret.file == "/tmp/demo/client-secret");
  CHECK(a.tls.ca_file == "/tmp/demo/ca.pem");
  CHECK_FALSE(a.connect.base_url);
  CHECK(a.test_account == "nibe-demo");
  CHECK(json::serialize(a.defaults) == R"({"language":"de","price_zone_default":"AT"})");
}

TEST_CASE("A missing secret of demo.yaml is named with its place") {
  auto env = documented();
  env.files.erase("/tmp/demo/client-secret");
  const auto c = parse(text_of("demo.yaml"), "config/demo.yaml", env);
  REQUIRE_FALSE(c);
  CHECK(gateway::settings::text(c.error()) ==
        "config/demo.yaml:15:27: accounts.sandbox.token.client_secret_file: cannot be read: /tmp/demo/client-secret: "
        "No such "
        "file or directory\n");
}
