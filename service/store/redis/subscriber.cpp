#include "store/redis/subscriber.hpp"

#include <cassert>
#include <utility>

namespace gateway::store::redis {
namespace {

command subscribe_to(const std::vector<std::string>& channels) {
  std::vector<std::string_view> words{"SUBSCRIBE"};
  words.insert(words.end(), channels.begin(), channels.end());
  return command{words};
}

}  // namespace

subscriber::subscriber(link::parts given, std::vector<std::string> channels, handlers told, time::duration ping_every)
    : channels_{std::move(channels)}, told_{std::move(told)}, ping_every_{ping_every}, link_{std::move(given), *this} {
  assert(!channels_.empty());
}

void subscriber::up(redis::connection& now) {
  connection_ = &now;
  confirmed_ = 0;
  asked_for_a_sign_ = false;
  now.on_push([this](const reply& what) { heard(what); });
  now.send_unanswered(subscribe_to(channels_));
  alarm_.arm(link_.loop().deadlines(), link_.loop().now() + ping_every_);
}

void subscriber::down() noexcept {
  connection_ = nullptr;
  alarm_.disarm();
}

void subscriber::heard(const reply& what) {
  asked_for_a_sign_ = false;
  alarm_.arm(link_.loop().deadlines(), link_.loop().now() + ping_every_);
  if (what.is_error()) return refused(trouble_of_error(what.text()));
  if (what[0].is_text("message")) return told_.message(what[1].text(), what[2].text());
  if (what[0].is_text("subscribe") && ++confirmed_ == channels_.size()) told_.subscribed();
}

void subscriber::refused(const trouble& why) {
  if (told_.refused) told_.refused(why.reason);
  connection_->close("SUBSCRIBE was refused: " + why.code);
}

void subscriber::silent() {
  if (connection_ == nullptr) return;
  if (asked_for_a_sign_) return connection_->close("the server gives no sign of life");
  asked_for_a_sign_ = true;
  connection_->send_unanswered({"PING"});
  alarm_.arm(link_.loop().deadlines(), link_.loop().now() + ping_every_);
}

}  // namespace gateway::store::redis
