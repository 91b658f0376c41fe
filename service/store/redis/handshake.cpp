#include "store/redis/handshake.hpp"

#include <array>
#include <utility>

namespace gateway::store::redis {
namespace {

std::string refused(const std::string& step, const trouble& why) {
  if (why.what != trouble::kind::error) return step + ": " + why.reason;
  if (step == "AUTH" && why.code == "ERR") return "AUTH was refused: does the server have that user, or any password?";
  return step + " was refused: " + why.code;
}

}  // namespace

handshake::handshake(const credentials& who, unsigned database, const std::string& client_name) {
  if (!who.password.empty() && who.user.empty()) add(step::auth, {"AUTH", who.password.reveal()});
  if (!who.password.empty() && !who.user.empty()) add(step::auth, {"AUTH", who.user, who.password.reveal()});
  if (database != 0) add(step::select, {"SELECT", std::to_string(database)});
  if (!client_name.empty()) add(step::set_name, {"CLIENT", "SETNAME", client_name});
  add(step::info, {"INFO", "server"});
  // A server that still reads its data answers INFO, but not this.
  add(step::ping, {"PING"});
}

void handshake::add(step what, command how) {
  steps_.push_back(what);
  commands_.push_back(std::move(how));
}

std::expected<server_facts, std::string> handshake::judge(std::span<const outcome> answers) const {
  server_facts facts;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    static constexpr std::array names{"AUTH", "SELECT", "CLIENT SETNAME", "INFO", "PING"};
    const auto& answer = answers[i];
    const bool forgiven = steps_[i] == step::set_name && !answer && answer.error().what == trouble::kind::error;
    if (!answer && !forgiven) return std::unexpected{refused(names[std::to_underlying(steps_[i])], answer.error())};
    if (steps_[i] == step::info) facts = read_server_facts(answer->text());
  }
  if (facts.run_id.empty()) return std::unexpected{std::string{"INFO does not tell the server's run_id"}};
  return facts;
}

}  // namespace gateway::store::redis
