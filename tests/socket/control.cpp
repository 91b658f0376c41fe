// What an operator tells the running gateway through its control socket.
#include "socket/started.hpp"

#include <doctest/doctest.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>

using namespace gateway::socket_tests;
using gateway::support::eventually;
using gateway::support::finished;
using gateway::support::run;

namespace {

struct controlled {
  gateway::support::scratch_folder folder;
  std::string socket = folder.path("control.sock");
  running_simulator podero;
  running_gateway gateway;

  explicit controlled(std::string account_more = "", std::string more = "")
      : gateway{with(configuration::of(podero, folder), socket, std::move(account_more), std::move(more))} {}

  finished tell(std::vector<std::string> words) const {
    words.insert(words.end(), {"--socket", socket});
    return run(std::string{gateway_file}, std::move(words));
  }
  static configuration with(configuration how, const std::string& socket, std::string account_more, std::string more) {
    how.account_more = std::move(account_more);
    how.more = "control_socket: " + socket + "\n" + more;
    return how;
  }
};

const std::string paused = R"(onboarding_gateway_account_paused_until_seconds{account="sandbox"})";

// A listening socket, left behind where `alive` is false.
int listen_at(const std::string& path, bool alive) {
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  path.copy(where.sun_path, sizeof where.sun_path - 1);
  REQUIRE(::bind(made, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  if (alive) REQUIRE(::listen(made, 1) == 0);
  return made;
}

}  // namespace

TEST_CASE("Its state in a few lines, by --socket and by --config; the socket is the owner's alone") {
  const controlled running;
  const auto said = running.tell({"status"});
  CHECK(said.code == 0);
  CHECK(said.output.starts_with("calm\nonboarding-gateway "));
  CHECK(said.output.contains("sandbox: token for"));
  CHECK(said.output.contains("circuit closed, 0 wait"));
  const auto by_file = run(std::string{gateway_file}, {"status", "--config", running.gateway.file()});
  CHECK(by_file.code == 0);
  struct stat there{};
  REQUIRE(::stat(running.socket.c_str(), &there) == 0);
  CHECK((there.st_mode & 0777U) == 0600);
}

TEST_CASE("What is wrong comes first, with the alert that belongs to it, as the operators' page has it") {
  const controlled running;
  CHECK(running.tell({"pause", "sandbox", "--for", "5m"}).code == 0);
  const auto said = running.tell({"status"}).output;
  CHECK(
      said.starts_with("limited\n  limited: sandbox: paused, by Podero or an operator: nothing is sent for another "));
  CHECK(said.contains(" (OnboardingGatewayPausedByPodero)\nonboarding-gateway "));
  const auto page = get(running.gateway.admin(), "/status").json();
  CHECK(said.starts_with(text_in(page, "state")));
  REQUIRE(page.at("concerns").as_array().size() == 1);
  running.gateway.rewrite(configuration{});
  CHECK(eventually([&] { return running.tell({"status"}).output.contains(" (OnboardingGatewayReloadFailed)\n"); }));
}

TEST_CASE("An account is paused for all callers, and resumed, and it is logged who did it") {
  controlled running{"    limits: { queue: { max_wait: 0ms } }\n"};
  auto caller = running.gateway.caller();
  create(caller);
  CHECK(running.tell({"pause", "sandbox", "--for", "5m"}).output.contains("paused for 300 s"));
  CHECK(running.gateway.metric(paused) > 0);
  const auto refused = caller.call("POST", sessions_path, example_request, json_body);
  CHECK(refused.body.contains(R"("guard":"pause")"));
  const auto line = running.gateway.process().line_with("told through the control socket");
  CHECK(line.contains(R"("command":"pause")"));
  CHECK(line.contains(R"("uid":)" + std::to_string(::getuid())));
  CHECK(line.contains(R"("pid":)"));
  CHECK(running.tell({"resume", "sandbox"}).output == "resumed\n");
  CHECK(running.gateway.metric(paused) == 0);
  CHECK(running.gateway.metric(R"(onboarding_gateway_slow_down_factor{account="sandbox"})") == 1);
  CHECK(running.tell({"resume", "sandbox"}).output == "was not paused\n");
}

TEST_CASE("However long a pause is asked for, it is as long as `pause.max` at most") {
  controlled running{""};
  CHECK(running.tell({"pause", "sandbox", "--for", "800000h"}).output ==
        "paused for 900 s, which is all that its pause.max allows; a pause never becomes shorter, `resume` ends it\n");
  CHECK(running.tell({"resume", "sandbox"}).output == "resumed\n");
  CHECK(running.tell({"pause", "sandbox", "--for", "0s"}).code == 2);
}

TEST_CASE("A file with faults is no reason not to reach the gateway") {
  const controlled running;
  running.gateway.rewrite(configuration{});
  const auto refused = run(std::string{gateway_file}, {"status", "--config", running.gateway.file()});
  CHECK(refused.code == 2);
  CHECK(refused.errors.ends_with("to reach the running gateway all the same: --socket PATH\n"));
}

TEST_CASE("Who reads the state in the night sees when the next permit comes, and who holds which slot") {
  controlled running{
      "    test_account: shared\n",
      "test_accounts: { shared: { open_sessions: 2, limits: { sessions: [ { rate: 2, per: 1h } ] } } }\n"};
  auto caller = running.gateway.caller();
  create(caller);
  create(caller);
  const auto said = running.tell({"status"}).output;
  CHECK(said.contains("sessions-1h: 0 of 2 left, the next in 3"));
  CHECK(said.contains("  slot 1: held by anonymous for "));
  CHECK(said.contains(" s, ends in "));
}

TEST_CASE("A slot is freed by its session and by its number") {
  controlled running{"    test_account: shared\n",
                     "test_accounts:\n  shared:\n    open_sessions: 2\n"
                     "    limits: { sessions: [ { rate: 100, per: 1s } ] }\n"};
  auto caller = running.gateway.caller();
  const std::string held = R"(onboarding_gateway_slots_held{test_account="shared"})";
  const auto first = text_in(create(caller).json(), "id");
  create(caller);
  CHECK(running.gateway.metric(held) == 2);
  CHECK(running.tell({"free-slot", "sandbox", first}).code == 0);
  CHECK(running.gateway.metric(held) == 1);
  CHECK(running.tell({"free-slot", "sandbox", first}).code == 1);
  CHECK(running.tell({"free-slot", "sandbox", "2"}).code == 0);
  CHECK(running.gateway.metric(held) == 0);
}

TEST_CASE("A token is renewed when somebody says so") {
  controlled running;
  const std::string renewed = R"(onboarding_gateway_token_renewals_total{account="sandbox",outcome="renewed"})";
  const auto before = running.gateway.metric(renewed);
  CHECK(running.tell({"renew-token", "sandbox"}).code == 0);
  CHECK(eventually([&] { return running.gateway.metric(renewed) == before + 1; }));
}

TEST_CASE("The level of the log changes at once") {
  controlled running;
  auto caller = running.gateway.caller();
  CHECK(running.tell({"log-level", "error"}).code == 0);
  caller.call("GET", "/v1/accounts/sandbox", {}, "X-Request-Id: said-by-nobody\r\n");
  CHECK(running.tell({"log-level", "trace"}).code == 0);
  caller.call("GET", "/v1/accounts/sandbox", {}, "X-Request-Id: said\r\n");
  running.gateway.process().line_with(R"("request_id":"said")");
  CHECK_FALSE(running.gateway.process().output().contains("said-by-nobody"));
}

TEST_CASE("What is wrong is said, with an exit code that tells whose fault it is") {
  const controlled running;
  CHECK(running.tell({"pause", "nobody"}).code == 1);
  CHECK(running.tell({"pause", "nobody"}).errors == "onboarding-gateway: there is no account nobody\n");
  CHECK(running.tell({"pause"}).code == 2);
  CHECK(running.tell({"pause", "sandbox", "--for", "never"}).code == 2);
  CHECK(running.tell({"log-level", "loud"}).code == 2);
  const auto nobody = run(std::string{gateway_file}, {"status", "--socket", running.folder.path("nothing")});
  CHECK(nobody.code == 1);
  CHECK(nobody.errors == "onboarding-gateway: no gateway listens on " + running.folder.path("nothing") + "\n");
}

TEST_CASE("A socket that a dead process left is replaced, one of a living process is a reason not to start") {
  const gateway::support::scratch_folder folder;
  const running_simulator podero;
  const auto socket = folder.path("control.sock");
  const auto how = controlled::with(configuration::of(podero, folder), socket, "", "");
  ::close(listen_at(socket, false));
  {
    running_gateway first{how};
    CHECK(run(std::string{gateway_file}, {"status", "--socket", socket}).code == 0);
    const auto second = run(std::string{gateway_file}, {"--config", folder.write("second.yaml", how.text())});
    CHECK(second.code == 1);
    CHECK(second.errors ==
          "onboarding-gateway: control_socket: cannot listen on " + socket + ": another process listens there\n");
  }
  struct stat gone{};
  CHECK(::stat(socket.c_str(), &gone) != 0);
  folder.write("control.sock", "no socket");
  const auto third = run(std::string{gateway_file}, {"--config", folder.write("third.yaml", how.text())});
  CHECK(third.code == 1);
  CHECK(third.errors.contains("a file that is no socket is there"));
}
