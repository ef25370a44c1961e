#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "gateway/net/server.h"

namespace postern::net {
namespace {

constexpr int kBacklog = 1024;

Result<FileDescriptor> open_socket(int family) {
  FileDescriptor fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail(errno_error("opening a socket", errno));
  return fd;
}

}  // namespace

Result<Listener> Listener::tcp(const std::string& address, std::uint16_t port) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (auto* in = reinterpret_cast<sockaddr_in*>(&storage); ::inet_pton(AF_INET, address.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    size = sizeof(sockaddr_in);
  } else if (auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
             ::inet_pton(AF_INET6, address.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    size = sizeof(sockaddr_in6);
  } else {
    return fail(ErrorCode::bad_usage, "listen: '" + address + "' is no IP address");
  }
  Result<FileDescriptor> fd = open_socket(storage.ss_family);
  if (!fd) return fail(fd.error());
  const int one = 1;
  ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const std::string place = "listening on " + address + ":" + std::to_string(port);
  if (::bind(fd->get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) return fail(errno_error(place, errno));
  if (::listen(fd->get(), kBacklog) != 0) return fail(errno_error(place, errno));
  sockaddr_storage bound{};
  socklen_t bound_size = sizeof bound;
  ::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&bound), &bound_size);
  Listener listener;
  listener.port_ = ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&bound)->sin_port
                                                    : reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
  listener.fd_ = std::move(*fd);
  return listener;
}

Result<Listener> Listener::unix_socket(const std::string& path, mode_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::bad_usage, "listen: unix:" + path + " is longer than a socket's name may be (107 bytes)");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const std::string place = "listening on unix:" + path;
  struct stat entry{};
  if (::lstat(path.c_str(), &entry) == 0) {
    if (!S_ISSOCK(entry.st_mode)) return fail(ErrorCode::conflict, place + ": that is there and is no socket");
    Result<FileDescriptor> probe = open_socket(AF_UNIX);
    if (!probe) return fail(probe.error());
    if (::connect(probe->get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN) {
      return fail(ErrorCode::conflict, place + ": another process listens there");
    }
    ::unlink(path.c_str());
  }
  Result<FileDescriptor> fd = open_socket(AF_UNIX);
  if (!fd) return fail(fd.error());
  // Nobody may connect between bind and chmod: nothing is accepted before listen().
  if (::bind(fd->get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return fail(errno_error(place, errno));
  }
  if (::chmod(path.c_str(), mode) != 0) return fail(errno_error(place, errno));
  if (::listen(fd->get(), kBacklog) != 0) return fail(errno_error(place, errno));
  Listener listener;
  listener.fd_ = std::move(*fd);
  listener.path_ = path;
  return listener;
}

void Listener::remove_file() const {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace postern::net
