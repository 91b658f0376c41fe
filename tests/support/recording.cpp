#include "support/recording.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace gateway::support {
namespace {

const char* folder() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes the environment.
  const char* named = std::getenv("GATEWAY_RECORD");
  return named != nullptr && *named != '\0' ? named : nullptr;
}

std::string quoted(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte > 0x7e) {
      std::array<char, 7> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned>(byte));
      out += escaped.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

// With several processes and threads at it: each has a file, and a line is one write.
void write_line(const std::string& line) {
  const std::string name = ::program_invocation_short_name;
  const auto file = std::string{folder()} + "/" + name + "." + std::to_string(::getpid()) + ".ndjson";
  const int to = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const bool whole = to >= 0 && ::write(to, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (to >= 0) ::close(to);
  if (whole) return;
  std::perror(("nothing can be recorded in " + file).c_str());
  std::abort();  // what is not recorded would not be checked
}

}  // namespace

std::unique_ptr<tap> recording::begin() {
  return folder() == nullptr ? nullptr : std::make_unique<recording>();
}

recording::~recording() {
  if (got_.empty()) return;
  write_line(R"({"from":")" + std::string{::program_invocation_short_name} + R"(","sent":)" + quoted(sent_) +
             R"(,"got":)" + quoted(got_) + "}\n");
}

}  // namespace gateway::support
