#include "simulator/server/program.hpp"

#include <iostream>

int main(int count, char** arguments) {
  const auto read = simulator::read_options(count, arguments);
  if (const auto* words = std::get_if<simulator::parting_words>(&read)) {
    (words->exit_code == 0 ? std::cout : std::cerr) << words->text;
    return words->exit_code;
  }
  return simulator::run(std::get<simulator::options>(read));
}
