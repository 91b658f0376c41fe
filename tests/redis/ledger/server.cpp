#include "server.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

namespace gateway::store {

namespace {

// A key's value in place of TIME, in microseconds.
constexpr std::string_view set_by_the_test =
    "(function() local t = redis.call('GET', 'clock') return {string.sub(t, 1, -7), string.sub(t, -6)} end)()";

redis::reply taken_over(const redisReply& from) {
  switch (from.type) {
    case REDIS_REPLY_INTEGER:
      return redis::reply::integer(from.integer);
    case REDIS_REPLY_NIL:
      return {};
    case REDIS_REPLY_ARRAY: {
      std::vector<redis::reply> all;
      for (std::size_t i = 0; i < from.elements; ++i) all.push_back(taken_over(*from.element[i]));
      return redis::reply::array(std::move(all));
    }
    case REDIS_REPLY_STATUS:
      return redis::reply::status({from.str, from.len});
    case REDIS_REPLY_ERROR:
      return redis::reply::error({from.str, from.len});
    default:
      return redis::reply::bulk({from.str, from.len});
  }
}

}  // namespace

scripted_redis::scripted_redis() : scripts{set_by_the_test} {
  connection_.reset(redisConnectUnix(server_.unix_path().c_str()));
  if (connection_ == nullptr || connection_->err != 0) throw std::runtime_error{"no connection to redis-server"};
}

redis::reply scripted_redis::ask(const strings& words) const {
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const std::unique_ptr<void, decltype(&freeReplyObject)> got{
      redisCommandArgv(connection_.get(), static_cast<int>(words.size()), starts.data(), sizes.data()),
      &freeReplyObject};
  if (!got) throw std::runtime_error{"redis-server does not answer"};
  return taken_over(*static_cast<const redisReply*>(got.get()));
}

redis::outcome scripted_redis::run(const redis::script& what, const strings& keys, const strings& arguments) {
  ask({"SET", "clock", std::to_string(now)});
  strings words{"EVALSHA", what.sha1(), std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto answer = ask(words);
  if (answer.is_error() && answer.text().starts_with("NOSCRIPT")) {
    words[0] = "EVAL";
    words[1] = what.source();
    answer = ask(words);
  }
  if (answer.is_error()) return std::unexpected{redis::trouble_of_error(answer.text())};
  return answer;
}

redis::reply by_hand::call(const redis::script& what, const strings& rings, const strings& own) {
  strings keys{"gw:{demo}:meta", "gw:{demo}:slots"};
  for (const auto& name : rings) keys.push_back(key(name));
  strings arguments{fresh, redis.run_id, std::to_string(cap), std::to_string(reach)};
  arguments.insert(arguments.end(), own.begin(), own.end());
  auto got = redis.run(what, keys, arguments);
  REQUIRE_MESSAGE(got.has_value(), got.error().reason);
  return *got;
}

redis::reply by_hand::reserve(const std::vector<ring>& rings, const strings& ids, slots_asked slots,
                              const std::string& caller, const std::string& account) {
  strings names;
  strings own{epoch,
              changes,
              account,
              caller,
              std::to_string(slots.total),
              std::to_string(slots.time_to_live),
              std::to_string(slots.own_most),
              "1",
              account};
  for (const auto& one : rings) {
    names.push_back(one.name);
    for (const auto& word : {one.windows, one.paced, one.generation, std::to_string(one.appended)}) own.push_back(word);
  }
  own.insert(own.end(), ids.begin(), ids.end());
  return call(redis.scripts.reserve, names, own);
}

redis::reply by_hand::take_back(const strings& rings, const strings& entries_and_slots) {
  return call(redis.scripts.take_back, rings, entries_and_slots);
}

std::vector<std::int64_t> by_hand::granted(const redis::reply& of) const {
  std::vector<std::int64_t> all;
  for (const auto& one : of[2].elements()) all.push_back(one.number().value_or(0) - start);
  return all;
}

strings by_hand::entries(const std::string& ring) const {
  strings all;
  const auto got = redis.ask({"LRANGE", key(ring), "0", "-1"});
  for (const auto& one : got.elements()) all.emplace_back(one.text());
  return all;
}

}  // namespace gateway::store
