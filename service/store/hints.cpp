#include "store/hints.hpp"

namespace gateway::store {

redis::subscriber::handlers hints::handlers() {
  return {.subscribed = [this] { missed(); },
          .message = [this](std::string_view /*channel*/, std::string_view what) { heard(what); }};
}

transport::task<> hints::wait(std::string what, time::instant until) {
  transport::parking place{loop_.ready()};
  struct departure {
    decltype(waiting_)& all;
    decltype(waiting_)::iterator mine;
    ~departure() { all.erase(mine); }
  } const on_leaving{waiting_, waiting_.emplace(std::move(what), &place)};
  co_await place.wait(loop_.deadlines(), until);
}

void hints::heard(std::string_view what) noexcept {
  for (auto [one, end] = waiting_.equal_range(what); one != end; ++one) one->second->wake_up();
}

void hints::missed() noexcept {
  for (auto& [what, place] : waiting_) place->wake_up();
}

}  // namespace gateway::store
