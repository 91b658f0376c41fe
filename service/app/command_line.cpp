#include "app/command_line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/program_options.hpp>

#include <openssl/crypto.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <memory>
#include <thread>

#include "admission/key.hpp"
#include "app/control.hpp"
#include "app/creation_rules.hpp"
#include "app/hardening.hpp"
#include "app/process.hpp"
#include "app/version.hpp"
#include "foundation/random/source.hpp"
#include "settings/load.hpp"
#include "settings/scalars.hpp"
#include "settings/threads.hpp"
#include "tls/memory.hpp"

namespace gateway::app {
namespace {

namespace options = boost::program_options;

constexpr int fine = 0;
constexpr int could_not = 1;
constexpr int bad_usage = 2;
constexpr auto default_socket = "/run/onboarding-gateway/control.sock";

constexpr std::string_view usage = R"(Usage: onboarding-gateway --config FILE [--check | --print-config]
       onboarding-gateway key new NAME
       onboarding-gateway COMMAND ... [--config FILE | --socket PATH]

Stands between internal services and the Podero Partner API: creates onboarding
sessions for heat pumps, cars and inverters on their behalf.

Commands:
  key new NAME   make a fresh key for the caller NAME: prints it once, and the
                 lines for the configuration, which hold its SHA-256 only

  To the running gateway, through its control socket:
  status                     how it stands, in a few lines
  pause ACCOUNT [--for 10m]  send nothing for a while, for all callers, at most
                             for the account's pause.max
  resume ACCOUNT             end the pause
  free-slot ACCOUNT ID       free a slot, by its number or its session
  renew-token ACCOUNT        ask for a new token now
  log-level LEVEL            trace, debug, info, warn, error; until the
                             configuration changes

)";

constexpr std::string_view after_options = R"(
SIGTERM and SIGINT finish what is running and end the gateway, a second one ends
it at once. SIGHUP reads the configuration again, as happens by itself when its
files change: what has a fault, or needs a restart, is refused whole.

Exit codes: 0 ended well, 1 could not run (a port in use, say), 2 bad usage or
configuration.
)";

options::options_description described() {
  options::options_description all{"Options"};
  auto add = all.add_options();
  add("config", options::value<std::string>()->value_name("FILE"), "the configuration (YAML); starts the gateway");
  add("socket", options::value<std::string>()->value_name("PATH"), "the control socket, for commands");
  add("for", options::value<std::string>()->value_name("TIME"), "how long to pause (default 10m)");
  add("check", "name every fault of the configuration, with its place");
  add("print-config", "print the effective configuration, secrets masked");
  add("version", "print version and revision");
  add("help,h", "print this");
  return all;
}

int complain(std::string_view what) {
  std::cerr << "onboarding-gateway: " << what << "\nTry: onboarding-gateway --help\n";
  return bad_usage;
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto put = ::write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

int make_new_key(const std::vector<std::string>& words, const options::variables_map& given) {
  if (words.size() != 3 || words[1] != "new") return complain("the command is: key new NAME");
  if (given.size() != 1) return complain("key new NAME takes no options");
  random::system_source randomness;
  std::array<std::uint8_t, 32> entropy{};
  randomness.fill(std::as_writable_bytes(std::span{entropy}));
  const auto made = admission::make_key(words[2], entropy);
  OPENSSL_cleanse(entropy.data(), entropy.size());
  if (!made) return complain(made.error());
  std::cout << "The key of " << words[2] << ", shown only now; hand it to the caller:\n\n  " << std::flush;
  // Past the stream, in whose buffer it would stay.
  if (!write_all(STDOUT_FILENO, made->key.reveal())) return could_not;
  std::cout << "\n\nFor the configuration:\n\n"
            << made->yaml << "\nBeside key_sha256 stands `accounts: [ NAME, ... ]`: those that " << words[2]
            << " may use.\n"
            << std::flush;
  return fine;
}

// A program may be started without standard streams. The next file or connection that it opens would then take their
// numbers, and log lines would go to a caller, or to Podero.
void fill_standard_streams() {
  int filled = 0;
  do filled = ::open("/dev/null", O_RDWR);
  while (filled >= 0 && filled <= STDERR_FILENO);
  if (filled >= 0) ::close(filled);
}

void print(const std::vector<settings::warning>& warnings) {
  for (const auto& w : warnings) std::cerr << "warning: " << w.text() << '\n';
}

int with_configuration(const options::variables_map& given) {
  if (!tls::keep_buffers_apart()) std::cerr << "onboarding-gateway: the buffers of TLS connections stay in the heap\n";
  const std::string file = given["config"].as<std::string>();
  const auto environment = std::make_shared<settings::system_environment>();
  auto loaded = settings::load(file, *environment);
  if (!loaded) {
    std::cerr << settings::text(loaded.error());
    return bad_usage;
  }
  const auto configuration = std::make_shared<const settings::configuration>(std::move(*loaded));
  const auto faults = default_faults(admission::directory{configuration});
  for (const auto& one : faults) std::cerr << file << ": " << one << '\n';
  if (!faults.empty()) return bad_usage;
  if (given.count("print-config") != 0) {
    std::cout << settings::print(*configuration) << std::flush;
    return fine;
  }
  if (given.count("check") != 0) {
    print(warnings_of(*configuration,
                      settings::threads_of(configuration->threads, *environment, std::thread::hardware_concurrency())));
    std::cout << file << ": fine\n";
    return fine;
  }
  return run(file, configuration, environment, {std::string{version}, std::string{revision}});
}

// Where the running gateway listens. The error is complained of already.
std::expected<std::filesystem::path, int> control_socket_of(const options::variables_map& given) {
  if (given.count("socket") != 0) return given["socket"].as<std::string>();
  if (given.count("config") == 0) return default_socket;
  const std::string file = given["config"].as<std::string>();
  const auto loaded = settings::load(file, settings::system_environment{});
  if (!loaded) {
    std::cerr << settings::text(loaded.error())
              << "onboarding-gateway: to reach the running gateway all the same: --socket PATH\n";
    return std::unexpected{bad_usage};
  }
  if (loaded->control_socket) return *loaded->control_socket;
  std::cerr << "onboarding-gateway: " << file << " has no control_socket\n";
  return std::unexpected{bad_usage};
}

int command_running(const std::vector<std::string>& words, const options::variables_map& given) {
  auto order = read_order(words);
  if (!order) return complain(order.error());
  if (given.count("check") + given.count("print-config") != 0) return complain("a command takes no such option");
  if (given.count("for") != 0) {
    if (order->command != "pause") return complain("--for belongs to pause");
    const auto how_long = settings::parse_duration(given["for"].as<std::string>());
    if (!how_long || how_long->count() <= 0) return complain("--for is written 30s, 10m, 2h");
    order->how_long = *how_long;
  }
  const auto socket = control_socket_of(given);
  if (!socket) return socket.error();
  const auto fail = [](const std::string& why) {
    std::cerr << "onboarding-gateway: " << why << '\n';
    return could_not;
  };
  const auto line = ask_control(*socket, to_line(*order));
  if (!line) return fail(line.error());
  const auto answer = read_control_answer(*line);
  if (!answer) return fail(answer.error());
  if (!answer->done) return fail(answer->text);
  std::cout << answer->text << (answer->text.ends_with('\n') ? "" : "\n") << std::flush;
  return fine;
}

}  // namespace

int command_line(std::span<const char* const> arguments) {
  fill_standard_streams();
  if (!keep_memory_private()) std::cerr << "onboarding-gateway: the kernel would leave our memory in core files\n";
  const auto known = described();
  auto words = options::options_description{};
  words.add(known).add_options()("words", options::value<std::vector<std::string>>());
  options::positional_options_description positions;
  positions.add("words", -1);
  options::variables_map given;
  try {
    const std::vector<std::string> texts(arguments.begin() + 1, arguments.end());
    // No guessing: an abbreviation that works today would be ambiguous tomorrow.
    constexpr auto style = options::command_line_style::default_style & ~options::command_line_style::allow_guessing;
    options::store(options::command_line_parser(texts).options(words).positional(positions).style(style).run(), given);
  } catch (const options::error& wrong) {
    return complain(wrong.what());
  }
  if (given.count("help") != 0) {
    std::cout << usage << known << after_options;
    return fine;
  }
  if (given.count("version") != 0) {
    std::cout << "onboarding-gateway " << version << " (" << revision << ")\n";
    return fine;
  }
  if (given.count("words") != 0) {
    const auto& command = given["words"].as<std::vector<std::string>>();
    if (command.front() == "key") return make_new_key(command, given);
    if (is_control_command(command.front())) return command_running(command, given);
    return complain("there is no command " + command.front());
  }
  for (const auto* one : {"socket", "for"})
    if (given.count(one) != 0) return complain("--" + std::string{one} + " belongs to a command");
  if (given.count("config") == 0) return complain("--config FILE is needed");
  if (given.count("check") != 0 && given.count("print-config") != 0)
    return complain("--check and --print-config exclude each other");
  return with_configuration(given);
}

}  // namespace gateway::app
