#include "support/redis_server.hpp"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <utility>

namespace gateway::support {
namespace {

struct context_deleter {
  void operator()(redisContext* context) const noexcept { redisFree(context); }
};
struct reply_deleter {
  void operator()(void* reply) const noexcept { freeReplyObject(reply); }
};
using context_ptr = std::unique_ptr<redisContext, context_deleter>;
using reply_ptr = std::unique_ptr<redisReply, reply_deleter>;

// Free at this moment. redis-server cannot choose one by itself: to it, port 0 means none.
std::uint16_t free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool known = ::bind(probe, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
                     ::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(probe);
  if (!known) throw std::runtime_error{"no free port"};
  return ntohs(address.sin_port);
}

std::string text_of(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply.integer);
    case REDIS_REPLY_ARRAY: {
      std::string all;
      for (std::size_t i = 0; i < reply.elements; ++i) all += (i > 0 ? "\n" : "") + text_of(*reply.element[i]);
      return all;
    }
    case REDIS_REPLY_NIL:
      return {};
    default:
      return {reply.str, reply.len};
  }
}

reply_ptr say(redisContext& on, const std::vector<std::string>& words) {
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const auto& word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  return reply_ptr{
      static_cast<redisReply*>(redisCommandArgv(&on, static_cast<int>(words.size()), starts.data(), sizes.data()))};
}

}  // namespace

redis_server::redis_server(redis_options wishes) : wishes_{std::move(wishes)} {
  // Another program may take the port between our look and the server's.
  constexpr int attempts = 5;
  for (int attempt = 1;; ++attempt) {
    if (wishes_.tcp) port_ = free_port();
    if (!wishes_.certificate_pem.empty()) tls_port_ = free_port();
    try {
      start();
      return;
    } catch (const std::runtime_error&) {
      if (attempt == attempts || (port_ == 0 && tls_port_ == 0)) throw;
    }
  }
}

std::vector<std::string> redis_server::command_line() const {
  std::vector<std::string> all{
      "--unixsocket", unix_path(),   "--dir", folder_.path(""), "--port", std::to_string(port_), "--bind",
      "127.0.0.1",    "--daemonize", "no",    "--save",         ""};
  if (tls_port_ != 0) {
    const auto certificate = folder_.write("server.pem", wishes_.certificate_pem);
    const auto key = folder_.write("server.key", wishes_.key_pem);
    const auto port = std::to_string(tls_port_);
    for (const auto& word :
         {std::string{"--tls-port"}, port, std::string{"--tls-cert-file"}, certificate, std::string{"--tls-key-file"},
          key, std::string{"--tls-ca-cert-file"}, certificate, std::string{"--tls-auth-clients"}, std::string{"no"}})
      all.push_back(word);
  }
  if (!wishes_.password.empty()) {
    all.emplace_back("--requirepass");
    all.push_back(wishes_.password);
  }
  all.insert(all.end(), wishes_.arguments.begin(), wishes_.arguments.end());
  return all;
}

void redis_server::start(bool wait) {
  running_.emplace(REDIS_SERVER_FILE, command_line());
  if (!wait) return;
  if (eventually([this] { return !running_->running() || answers(); }) && running_->running()) return;
  throw std::runtime_error{"redis-server (Debian's package of that name) does not answer; it said:\n" +
                           running_->output() + running_->errors()};
}

bool redis_server::answers() const {
  try {
    return ask({"PING"}) == "PONG";
  } catch (const std::runtime_error&) {
    return false;
  }
}

void redis_server::stop() {
  running_->signal(SIGTERM);
  running_->end();
}

void redis_server::kill() {
  running_->signal(SIGKILL);
  running_->end();
}

void redis_server::pause() {
  running_->signal(SIGSTOP);
}

void redis_server::resume() {
  running_->signal(SIGCONT);
}

std::string redis_server::ask(const std::vector<std::string>& words) const {
  constexpr timeval limit{.tv_sec = 5, .tv_usec = 0};
  const context_ptr on{redisConnectUnixWithTimeout(unix_path().c_str(), limit)};
  if (!on || on->err != 0) throw std::runtime_error{"redis-server cannot be reached"};
  redisSetTimeout(on.get(), limit);
  if (!wishes_.password.empty()) say(*on, {"AUTH", wishes_.password});
  const auto answer = say(*on, words);
  if (!answer) throw std::runtime_error{"redis-server does not answer " + words.front()};
  return text_of(*answer);
}

}  // namespace gateway::support
