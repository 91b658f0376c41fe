#include "simulator/server/options.hpp"

#include "simulator/model/text_forms.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/program_options.hpp>

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace simulator {
namespace {

namespace po = boost::program_options;

constexpr std::string_view introduction =
    "podero-simulator: a stand-in for Podero (token endpoint, Partner API, Connect pages) over TLS.\n"
    "It keeps everything in memory and forgets it when it ends.\n\n"
    "  podero-simulator --ca-out ca.pem &\n"
    "  curl --cacert ca.pem -u example-client-id:example-secret-not-real https://localhost:9443/oauth2/token/ \\\n"
    "       -H 'Content-Type: application/json' -d '{\"grant_type\": \"client_credentials\"}'\n"
    "  curl http://127.0.0.1:9191/          what the control endpoint knows and can do\n\n";

// Bad usage, with the option's name in the message.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string example(std::string_view value) {
  return std::string{value} + " (an example)";
}

po::options_description describe_service() {
  po::options_description out{"Where it listens", 110, 55};
  out.add_options()("address", po::value<std::string>()->default_value("127.0.0.1"),
                    "IP address of the API and the Connect pages")(
      "port", po::value<unsigned short>()->default_value(9443), "its port; 0: any")(
      "control-address", po::value<std::string>()->default_value("127.0.0.1"),
      "IP address of the control endpoint, which asks nobody who they are")(
      "control-port", po::value<unsigned short>()->default_value(9191), "its port; 0: any")(
      "ports-file", po::value<std::string>(), "write {\"api\": PORT, \"control\": PORT} there once listening")(
      "public-url", po::value<std::string>(),
      "what authentication_url begins with (default: https://, the first --host-name or the address, the port)");
  return out;
}

po::options_description describe_tls() {
  po::options_description out{"Its certificate (made at start unless given)", 110, 55};
  out.add_options()("ca-out", po::value<std::string>(),
                    "write the PEM of the certificate authority that clients have to trust there")(
      "host-name", po::value<std::vector<std::string>>(),
      "a name or address for the certificate, besides localhost, 127.0.0.1 and ::1; may be repeated")(
      "certificate", po::value<std::string>(), "use this PEM file (with its chain) instead, with --key")(
      "key", po::value<std::string>(), "the private key for --certificate, PEM");
  return out;
}

po::options_description describe_credentials() {
  po::options_description out{"Credentials and tokens", 110, 55};
  out.add_options()("client-id",
                    po::value<std::string>()->default_value(std::string{example_client_id}, example(example_client_id)),
                    "the partner's client id")(
      "client-secret",
      po::value<std::string>()->default_value(std::string{example_client_secret}, example(example_client_secret)),
      "its secret; others can read a command line, so rather use:")(
      "client-secret-file", po::value<std::string>(), "a file with the secret; line ends at its end are ignored")(
      "token-encoding", po::value<std::string>()->default_value("json"),
      "how the token endpoint reads bodies: json, form or either")(
      "token-lifetime", po::value<std::string>()->default_value("36000s"), "how long a token is valid");
  return out;
}

po::options_description describe_behaviour() {
  po::options_description out{"Behaviour", 110, 55};
  out.add_options()("limit", po::value<std::vector<std::string>>(),
                    "at most so many creations per time, such as 1/10s; beyond: 429 with Retry-After; may be repeated")(
      "request-limit", po::value<std::vector<std::string>>(),
      "the same for all requests below /api together; may be repeated")(
      "known-users-only", po::bool_switch(),
      "404 for users that were neither created through the API nor named by --known-user")(
      "known-user", po::value<std::vector<std::string>>(), "the UUID of such a user; may be repeated")(
      "idle-timeout", po::value<std::string>()->default_value("75s"),
      "close connections that are idle for so long, without a word")(
      "max-requests-per-connection", po::value<std::uint64_t>()->default_value(0),
      "the last of them is answered with Connection: close; 0: no end")(
      "http2", po::bool_switch(), "serve HTTP/2 to clients that offer it (ALPN h2)")(
      "http2-streams", po::value<std::uint32_t>()->default_value(128),
      "how many streams one connection may have open at once")(
      "log-size", po::value<std::size_t>()->default_value(65536),
      "how many requests GET /requests of the control endpoint remembers")(
      "session-capacity", po::value<std::size_t>()->default_value(200000),
      "how many sessions are remembered; the oldest goes first");
  return out;
}

std::string read_secret(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw usage_error{"--client-secret-file: cannot read " + path};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty()) throw usage_error{"--client-secret-file: " + path + " is empty"};
  return text;
}

std::vector<rate> read_rates(const po::variables_map& given, const char* name) {
  std::vector<rate> out;
  if (given.count(name) == 0) return out;
  for (const auto& text : given[name].as<std::vector<std::string>>()) {
    const auto one = parse_rate(text);
    if (!one) throw usage_error{std::string{"--"} + name + ": \"" + text + "\" is not a limit such as 1/10s"};
    out.push_back(*one);
  }
  return out;
}

token_encoding read_encoding(const std::string& text) {
  if (text == "json") return token_encoding::json;
  if (text == "form") return token_encoding::form;
  if (text == "either") return token_encoding::either;
  throw usage_error{"--token-encoding: \"" + text + "\" is not json, form or either"};
}

std::string text_in(const po::variables_map& given, const char* name) {
  return given.count(name) == 0 ? std::string{} : given[name].as<std::string>();
}

std::vector<std::string> texts_in(const po::variables_map& given, const char* name) {
  return given.count(name) == 0 ? std::vector<std::string>{} : given[name].as<std::vector<std::string>>();
}

std::string read_public_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  const bool sound = url.starts_with("https://") || url.starts_with("http://");
  if (!sound || std::ranges::any_of(url, is_control_or_space) || url.find_first_of("?#") != std::string::npos)
    throw usage_error{"--public-url: \"" + url + "\" is not a URL such as https://connect.example:9443"};
  return url;
}

void read_address(const po::variables_map& given, const char* name, std::string& address) {
  address = given[name].as<std::string>();
  boost::system::error_code error;
  asio::ip::make_address(address, error);
  if (error) throw usage_error{std::string{"--"} + name + ": \"" + address + "\" is not an IP address"};
}

settings read_settings(const po::variables_map& given) {
  settings out;
  out.client_id = text_in(given, "client-id");
  out.client_secret = text_in(given, "client-secret");
  if (given.count("client-secret-file") > 0) {
    if (!given["client-secret"].defaulted())
      throw usage_error{"--client-secret and --client-secret-file exclude each other"};
    out.client_secret = read_secret(text_in(given, "client-secret-file"));
  }
  out.encoding = read_encoding(text_in(given, "token-encoding"));
  const auto lifetime = parse_duration(text_in(given, "token-lifetime"));
  if (!lifetime || *lifetime < std::chrono::seconds{1})
    throw usage_error{"--token-lifetime: \"" + text_in(given, "token-lifetime") +
                      "\" is not a duration such as 36000s, of a second or more"};
  out.token_lifetime = std::chrono::floor<std::chrono::seconds>(*lifetime);
  out.creation_limits = read_rates(given, "limit");
  out.request_limits = read_rates(given, "request-limit");
  out.known_users_only = given["known-users-only"].as<bool>();
  out.known_users = texts_in(given, "known-user");
  for (const auto& user : out.known_users)
    if (!is_uuid(user)) throw usage_error{"--known-user: \"" + user + "\" is not a UUID"};
  const auto idle = parse_duration(text_in(given, "idle-timeout"));
  if (!idle || idle->count() == 0)
    throw usage_error{"--idle-timeout: \"" + text_in(given, "idle-timeout") + "\" is not a duration such as 75s"};
  out.idle_timeout = *idle;
  out.max_requests_per_connection = given["max-requests-per-connection"].as<std::uint64_t>();
  out.http2 = given["http2"].as<bool>();
  out.http2_streams = given["http2-streams"].as<std::uint32_t>();
  if (out.http2_streams == 0) throw usage_error{"--http2-streams: at least 1"};
  out.log_capacity = given["log-size"].as<std::size_t>();
  out.session_capacity = given["session-capacity"].as<std::size_t>();
  if (out.session_capacity == 0) throw usage_error{"--session-capacity: at least 1"};
  return out;
}

options read_all(const po::variables_map& given) {
  options out;
  out.model = read_settings(given);
  read_address(given, "address", out.where.address);
  read_address(given, "control-address", out.where.control_address);
  out.where.port = given["port"].as<unsigned short>();
  out.where.control_port = given["control-port"].as<unsigned short>();
  out.public_url_given = given.count("public-url") > 0;
  if (out.public_url_given) out.model.public_url = read_public_url(text_in(given, "public-url"));
  out.host_names = texts_in(given, "host-name");
  out.certificate_file = text_in(given, "certificate");
  out.key_file = text_in(given, "key");
  if (out.certificate_file.empty() != out.key_file.empty())
    throw usage_error{"--certificate and --key belong together"};
  out.ca_out = text_in(given, "ca-out");
  if (!out.ca_out.empty() && !out.certificate_file.empty())
    throw usage_error{"--ca-out: with --certificate there is no authority to write out"};
  out.ports_file = text_in(given, "ports-file");
  return out;
}

}  // namespace

std::variant<options, parting_words> read_options(int count, const char* const* arguments) {
  po::options_description all{"Other", 110, 55};
  all.add_options()("help,h", "this text");
  po::options_description shown;
  shown.add(describe_service()).add(describe_tls()).add(describe_credentials()).add(describe_behaviour()).add(all);
  try {
    po::variables_map given;
    // No guessing: an abbreviation that works today would be ambiguous tomorrow.
    constexpr auto style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    const po::positional_options_description no_others;
    po::store(po::command_line_parser(count, arguments).options(shown).positional(no_others).style(style).run(), given);
    if (given.count("help") > 0) {
      std::ostringstream text;
      text << introduction << shown;
      return parting_words{0, text.str()};
    }
    po::notify(given);
    return read_all(given);
  } catch (const std::exception& error) {
    return parting_words{2, std::string{"podero-simulator: "} + error.what() + " (--help tells more)\n"};
  }
}

std::string own_url(const options& given, unsigned short port) {
  const auto address = asio::ip::make_address(given.where.address);
  std::string host = given.where.address;
  if (!given.host_names.empty())
    host = given.host_names.front();
  else if (address.is_unspecified())
    host = "localhost";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "https://" + host + ":" + std::to_string(port);
}

}  // namespace simulator
