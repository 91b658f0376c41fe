// Loaded before a program (LD_PRELOAD), this lets the name servers of every host in silent.test be away: looking one up
// blocks for longer than any test waits, as getaddrinfo does where several servers are asked in turn.
#include <dlfcn.h>
#include <netdb.h>

#include <chrono>
#include <string_view>
#include <thread>

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** found) {
  using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host == nullptr || !std::string_view{host}.ends_with(".silent.test")) return real(host, service, hints, found);
  std::this_thread::sleep_for(std::chrono::minutes{1});
  return EAI_AGAIN;
}
