#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gateway::support {

// How long a test waits for what should happen at once: much longer than a busy machine needs, shorter than CTest's
// own limit, so that the test still says what did not happen.
inline constexpr std::chrono::seconds patience{20};

// Asks again and again, with a breath in between, until it is so or `limit` is over. The answer to the last question.
bool eventually(const std::function<bool()>& is_so, std::chrono::milliseconds limit = patience);

// A folder of its own below the system's temporary one, removed at the end with all that is in it.
class scratch_folder {
 public:
  scratch_folder();
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::string path(std::string_view name) const { return (place_ / name).string(); }
  // Both return the path. `replace` puts the new content there in one step, as a rotation of secrets does.
  std::string write(std::string_view name, std::string_view content) const;
  std::string replace(std::string_view name, std::string_view content) const;

 private:
  std::filesystem::path place_;
};

// What a program finds as its standard streams. Output is read all the time and kept, unless it is nobody's.
enum class streams {
  ordinary,      // stdin is /dev/null
  closed_input,  // there is no stdin
  none,          // none of the three is open
  full_output,   // stdout is a device that is full
};

// A real program, as it is started by hand. It never outlives this object, nor (by the kernel's word) the test itself.
class program {
 public:
  // Throws std::system_error where it cannot be started.
  program(std::string file, std::vector<std::string> arguments, streams standard = streams::ordinary);
  ~program();
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  pid_t pid() const noexcept { return pid_; }
  void signal(int number) const;

  // The next line of standard output (after the one found last) with that text in it, waited for with patience. Throws
  // std::runtime_error, with all that the program said, if it ends without that line or time is over.
  std::string line_with(std::string_view text);
  // What is looked for from now on may stand anywhere in what was said.
  void rewind();
  // Everything said so far.
  std::string output() const;
  std::string errors() const;
  // From now on nobody reads standard output and standard error; `close_outputs` lets the program know.
  void stop_reading();
  void close_outputs();

  bool running();
  // Waits with patience for the end by itself: the exit code, or minus the number of the signal that ended it. Throws
  // std::runtime_error if it goes on running.
  int end();

 private:
  void read_all();
  bool collect(bool at_once);
  std::string everything_said() const;

  std::string name_;
  pid_t pid_ = -1;
  int process_ = -1;  // a descriptor of the process, readable when it has ended
  int output_ = -1;
  int errors_ = -1;
  int hush_ = -1;  // written to: stop reading
  bool ended_ = false;
  int code_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable said_something_;
  std::string said_;
  std::string complained_;
  std::size_t searched_ = 0;
  bool silent_ = false;  // nothing more comes
  std::thread reader_;
};

// Runs it to its end.
struct finished {
  int code;
  std::string output;
  std::string errors;
};
finished run(std::string file, std::vector<std::string> arguments);

}  // namespace gateway::support
