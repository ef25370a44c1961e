#include "gateway/net/task.h"

#include <array>
#include <new>
#include <vector>

namespace postern::net::internal {
namespace {

constexpr std::size_t kStep = 128;
constexpr std::size_t kSizes = 32;  // larger frames come from the heap
constexpr std::size_t kKept = 128;  // of each size

struct SpareFrames {
  std::array<std::vector<void*>, kSizes> of_size;
  SpareFrames() {
    for (auto& frames : of_size) frames.reserve(kKept);
  }
  ~SpareFrames() {
    for (auto& frames : of_size) {
      for (void* frame : frames) ::operator delete(frame);
    }
  }
};

#ifdef POSTERN_SANITIZED
constexpr bool kKeepFrames = false;  // a sanitizer must see each one come and go
#else
constexpr bool kKeepFrames = true;
#endif

std::vector<void*>* spare_frames(std::size_t size) {
  if (!kKeepFrames || size >= kSizes) return nullptr;
  thread_local SpareFrames spare;
  return &spare.of_size[size];
}

}  // namespace

void* take_frame(std::size_t bytes) {
  const std::size_t size = (bytes + kStep - 1) / kStep;
  std::vector<void*>* const spare = spare_frames(size);
  if (spare == nullptr || spare->empty()) return ::operator new(size * kStep);
  void* const frame = spare->back();
  spare->pop_back();
  return frame;
}

void give_back_frame(void* frame, std::size_t bytes) noexcept {
  std::vector<void*>* const spare = spare_frames((bytes + kStep - 1) / kStep);
  if (spare == nullptr || spare->size() == kKept) {
    ::operator delete(frame);
  } else {
    spare->push_back(frame);
  }
}

}  // namespace postern::net::internal
