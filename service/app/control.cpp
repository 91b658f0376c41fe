#include "app/control.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace gateway::app {
namespace {

namespace json = boost::json;

struct form {
  std::string_view command;
  std::size_t words;  // that follow it
  std::string_view usage;
};

constexpr std::array forms{
    form{"status", 0, "status"},
    form{"pause", 1, "pause ACCOUNT [--for 10m]"},
    form{"resume", 1, "resume ACCOUNT"},
    form{"free-slot", 2, "free-slot ACCOUNT ID"},
    form{"renew-token", 1, "renew-token ACCOUNT"},
    form{"log-level", 1, "log-level trace|debug|info|warn|error"},
};

const form* form_of(std::string_view command) noexcept {
  const auto found = std::ranges::find(forms, command, &form::command);
  return found == forms.end() ? nullptr : &*found;
}

// As in the configuration, `trace` says no more than `debug`.
constexpr std::array levels{std::pair{std::string_view{"trace"}, journal::level::debug},
                            std::pair{std::string_view{"debug"}, journal::level::debug},
                            std::pair{std::string_view{"info"}, journal::level::info},
                            std::pair{std::string_view{"warn"}, journal::level::warning},
                            std::pair{std::string_view{"error"}, journal::level::error}};

std::string line_of(const control_answer& answer) {
  return json::serialize(json::object{{"done", answer.done}, {"text", answer.text}});
}

std::string text_in(const json::object& from, std::string_view name) {
  const auto* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? json::value_to<std::string>(*found) : std::string{};
}

std::expected<control_order, std::string> parsed(std::string_view line) {
  boost::system::error_code error;
  const auto value = json::parse(line, error);
  if (error || !value.is_object()) return std::unexpected{std::string{"not an order: one JSON object is one"}};
  const auto& object = value.get_object();
  const auto command = text_in(object, "command");
  if (form_of(command) == nullptr) return std::unexpected{std::string{"there is no such command"}};
  control_order order{.command = command, .account = text_in(object, "account"), .what = text_in(object, "what")};
  if (const auto* how_long = object.if_contains("for_ms"); how_long != nullptr && how_long->is_int64())
    order.how_long = std::chrono::milliseconds{how_long->get_int64()};
  return order;
}

}  // namespace

bool is_control_command(std::string_view word) noexcept {
  return form_of(word) != nullptr;
}

std::expected<control_order, std::string> read_order(const std::vector<std::string>& words) {
  const auto* form = words.empty() ? nullptr : form_of(words.front());
  if (form == nullptr) return std::unexpected{std::string{"there is no such command"}};
  if (words.size() != form->words + 1) return std::unexpected{"the command is: " + std::string{form->usage}};
  control_order order{.command = words[0]};
  if (order.command == "log-level") {
    order.what = words[1];
    if (std::ranges::find(levels, std::string_view{order.what}, [](const auto& l) { return l.first; }) == levels.end())
      return std::unexpected{"the command is: " + std::string{form->usage}};
    return order;
  }
  if (form->words > 0) order.account = words[1];
  if (form->words > 1) order.what = words[2];
  return order;
}

std::string to_line(const control_order& order) {
  return json::serialize(json::object{{"command", order.command},
                                      {"account", order.account},
                                      {"what", order.what},
                                      {"for_ms", order.how_long.count()}});
}

std::expected<control_answer, std::string> read_control_answer(std::string_view line) {
  boost::system::error_code error;
  const auto value = json::parse(line, error);
  if (error || !value.is_object()) return std::unexpected{std::string{"what listens there is no gateway"}};
  const auto* done = value.get_object().if_contains("done");
  if (done == nullptr || !done->is_bool()) return std::unexpected{std::string{"what listens there is no gateway"}};
  return control_answer{done->get_bool(), text_in(value.get_object(), "text")};
}

journal::level level_of(settings::log_level from) noexcept {
  switch (from) {
    case settings::log_level::trace:
    case settings::log_level::debug:
      return journal::level::debug;
    case settings::log_level::info:
      return journal::level::info;
    case settings::log_level::warn:
      return journal::level::warning;
    case settings::log_level::error:
      return journal::level::error;
  }
  return journal::level::info;
}

std::string control::obey(std::string_view line, const control_peer& who) {
  const auto order = parsed(line);
  const auto answer = order ? obey(*order) : control_answer{false, order.error()};
  // Whatever the level: who did what is always to be found.
  parts_.log.write(
      order && order->command == "status" ? journal::level::info : journal::level::warning,
      "told through the control socket",
      {{"command", order ? std::string_view{order->command} : std::string_view{"none"}},
       {"account", order ? std::string_view{order->account} : std::string_view{}},
       {"what", order ? std::string_view{order->what} : std::string_view{}},
       {"uid", who.uid},
       {"pid", who.pid},
       {"done", answer.done},
       {"answer", order && order->command == "status" ? std::string_view{} : std::string_view{answer.text}}});
  return line_of(answer);
}

control_answer control::obey(const control_order& order) {
  if (order.command == "status") return status();
  if (order.command == "log-level") {
    const auto found = std::ranges::find(levels, std::string_view{order.what}, [](const auto& l) { return l.first; });
    if (found == levels.end()) return {false, "there is no level " + order.what};
    parts_.log.set_threshold(found->second);
    return {true, "the level is " + order.what + ", until the configuration changes it"};
  }
  auto* const account = parts_.on.find(order.account);
  if (account == nullptr) return {false, "there is no account " + order.account};
  if (order.command == "pause") return account->pause(order.how_long);
  if (order.command == "resume") return account->resume();
  if (order.command == "free-slot") return account->free_slot(order.what);
  account->tokens.renew_now();
  return {true, "a new token is being asked for; until it is there nothing changes"};
}

control_answer control::status() const {
  return {true, parts_.on.summary(
                    {.version = parts_.version, .revision = {}, .config_refused = parts_.configuration.trouble()})};
}

}  // namespace gateway::app
