#include <exception>
#include <iostream>
#include <span>

#include "app/command_line.hpp"

int main(int count, char** arguments) {
  try {
    return gateway::app::command_line({arguments, static_cast<std::size_t>(count)});
  } catch (const std::exception& failure) {
    std::cerr << "onboarding-gateway: " << failure.what() << '\n';
    return 1;
  }
}
