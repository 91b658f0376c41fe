#include <exception>
#include <iostream>
#include <span>

#include "app/command_line.hpp"

int main(int count, char** arguments) {
  try {
    const int code = gateway::app::command_line({arguments, static_cast<std::size_t>(count)});
    // A configuration of which half was printed, on a disk that is full, must not look like a whole one.
    if (std::cout.flush()) return code;
    std::cerr << "onboarding-gateway: the output could not be written\n";
    return code != 0 ? code : 1;
  } catch (const std::exception& failure) {
    std::cerr << "onboarding-gateway: " << failure.what() << '\n';
    return 1;
  }
}
