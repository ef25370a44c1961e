#include "hooks/receive/parent_process.h"

#include <array>

#include "gateway/base/encoding.h"
#include "gateway/base/file.h"

namespace postern::receive {

std::string git_command_of(const std::vector<std::string>& argv) {
  if (argv.empty()) return {};
  std::string_view program = argv[0];
  if (const std::size_t slash = program.rfind('/'); slash != std::string_view::npos) program.remove_prefix(slash + 1);
  if (program.starts_with("git-")) return std::string(program.substr(4));
  if (program != "git") return {};
  constexpr std::array<std::string_view, 7> kTakesValue{"-c",          "-C",           "--git-dir",  "--work-tree",
                                                        "--namespace", "--config-env", "--exec-path"};
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with('-')) return std::string(argument);
    for (const std::string_view option : kTakesValue) {
      // `--exec-path` alone prints a path and never runs a hook; with a value it is written with `=`.
      if (argument == option && option != "--exec-path") ++i;
    }
  }
  return {};
}

std::string ParentProcess::git_command() const { return git_command_of(argv); }

std::string ParentProcess::shown() const {
  std::string line;
  for (const std::string& argument : argv) {
    if (!line.empty()) line += ' ';
    line += printable(argument, 120);
    if (line.size() > 400) break;
  }
  return line;
}

Result<ParentProcess> read_process(pid_t pid) {
  ParentProcess process;
  process.pid = pid;
  const std::string base = "/proc/" + std::to_string(pid);
  Result<std::string> cmdline = read_file(base + "/cmdline", std::size_t{4} << 20);
  if (!cmdline) return fail(cmdline.error());
  std::string_view rest = *cmdline;
  while (!rest.empty()) {
    const std::size_t nul = rest.find('\0');
    process.argv.emplace_back(rest.substr(0, nul));
    rest.remove_prefix(nul == std::string_view::npos ? rest.size() : nul + 1);
  }
  Result<std::string> stat = read_file(base + "/stat", 65536);
  if (!stat) return fail(stat.error());
  // proc(5): the name in brackets may hold anything; starttime is the 22nd field, the 20th after it.
  const std::size_t bracket = stat->rfind(')');
  std::string_view fields = bracket == std::string::npos ? std::string_view{} : std::string_view(*stat).substr(bracket);
  for (int i = 0; i < 20 && !fields.empty(); ++i) {
    const std::size_t space = fields.find(' ');
    fields.remove_prefix(space == std::string_view::npos ? fields.size() : space + 1);
  }
  process.started = fields.substr(0, fields.find(' '));
  if (process.started.empty()) return fail(ErrorCode::io, "reading " + base + "/stat: no start time");
  return process;
}

}  // namespace postern::receive
