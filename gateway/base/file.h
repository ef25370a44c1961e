// Files, read and written whole.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "gateway/base/result.h"

namespace postern {

// Owns a file descriptor; closes it when it goes.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

// The bytes of a regular file; limit when it is larger than `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

// Replaces `path` whole or not at all: temporary file beside it, fsync, rename, fsync of the directory.
Status write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode);

// Creates `path` and fails with conflict where it exists (O_EXCL).
Status create_file(const std::string& path, std::string_view bytes, mode_t mode);

// Everything to a descriptor, over short writes and EINTR.
Status write_all(int fd, std::string_view bytes);

// Makes the directory entries below `directory` durable.
Status sync_directory(const std::string& directory);

}  // namespace postern
