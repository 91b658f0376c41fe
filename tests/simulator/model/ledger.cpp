#include "simulator/model/ledger.hpp"

#include "simulator/model/calendar.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace simulator {

namespace json = boost::json;

void ledger::record(log_entry entry) {
  entry.number = ++last_number_;
  ++by_operation_[static_cast<std::size_t>(entry.op)];
  if (entry.status)
    ++by_status_[*entry.status];
  else
    ++unanswered_;
  if (entry.faulty) ++faulty_;
  if (capacity_ == 0) return;
  if (entries_.size() >= capacity_) entries_.pop_front();
  entries_.push_back(entry);
}

std::string ledger::counters_json() const {
  json::object statuses;
  for (const auto& [status, count] : by_status_) statuses[std::to_string(status)] = count;
  std::uint64_t all = 0;
  for (const auto count : by_operation_) all += count;
  return json::serialize(json::object{{"requests", all},
                                      {"token_requests", requests(operation::token)},
                                      {"creations", requests(operation::create)},
                                      {"reads", requests(operation::read)},
                                      {"users", requests(operation::users)},
                                      {"devices", requests(operation::devices)},
                                      {"connect_pages", requests(operation::connect)},
                                      {"other", requests(operation::other)},
                                      {"sessions_created", sessions_created_},
                                      {"limited", limited_},
                                      {"faulty", faulty_},
                                      {"unanswered", unanswered_},
                                      {"malformed", malformed_},
                                      {"by_status", std::move(statuses)},
                                      {"connections_accepted", connections_.accepted},
                                      {"connections_open", connections_.open},
                                      {"connections_most_open", connections_.most_open},
                                      {"tls_handshakes", connections_.tls_handshakes},
                                      {"tls_resumed", connections_.tls_resumed},
                                      {"tls_failed", connections_.tls_failed}});
}

std::string ledger::requests_json(std::uint64_t since, std::size_t limit) const {
  json::array list;
  auto next = std::ranges::upper_bound(entries_, since, {}, &log_entry::number);
  for (; next != entries_.end() && list.size() < limit; ++next) {
    json::object entry{{"number", next->number},
                       {"monotonic_ns", next->received.steady.time_since_epoch() / std::chrono::nanoseconds{1}},
                       {"received_at", iso_instant(next->received.wall)},
                       {"operation", to_string(next->op)},
                       {"status", nullptr},
                       {"connection", next->connection},
                       {"faulty", next->faulty}};
    if (next->status) entry["status"] = *next->status;
    list.emplace_back(std::move(entry));
  }
  const auto oldest = entries_.empty() ? last_number_ + 1 : entries_.front().number;
  return json::serialize(json::object{{"capacity", capacity_},
                                      {"oldest", oldest},
                                      {"newest", last_number_},
                                      {"lost", since + 1 < oldest ? oldest - since - 1 : 0},
                                      {"requests", std::move(list)}});
}

std::size_t ledger::busiest(std::optional<operation> op, std::chrono::nanoseconds per) const {
  std::vector<std::chrono::steady_clock::time_point> times;
  for (const auto& entry : entries_)
    if (!op || entry.op == *op) times.push_back(entry.received.steady);
  std::ranges::sort(times);
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < times.size(); ++last) {
    while (times[last] - times[first] >= per) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

void ledger::reset() {
  const auto open = connections_.open;
  const auto number = last_number_;
  *this = ledger{capacity_};
  connections_.open = open;
  connections_.most_open = open;
  last_number_ = number;
}

}  // namespace simulator
