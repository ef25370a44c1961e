// Where a plan is carried out.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "hooks/deploy/arm_answer.h"
#include "hooks/deploy/change.h"

namespace postern::deploy {

template <class T>
using ArmResult = std::expected<T, ArmFailure>;

// A service that holds policies. Not thread-safe: one writer per service.
class DeploymentTarget {
 public:
  virtual ~DeploymentTarget() = default;
  // What is there now; nullopt when nothing is.
  virtual ArmResult<std::optional<StoredPolicy>> read(const Resource& resource) = 0;
  // Puts `text` there and waits until the service says that it stands. `before` is what read() gave: the write fails
  // with replan when the resource changed since. On success the service was asked again and holds `text`.
  virtual ArmResult<void> put(const Resource& resource, const std::string& text,
                              const std::optional<StoredPolicy>& before) = 0;
  // Takes it away; done when it is absent already.
  virtual ArmResult<void> remove(const Resource& resource, const StoredPolicy& before) = 0;
  // Does the service hold `text`, whatever way it writes it down?
  virtual bool holds(const Resource& resource, const StoredPolicy& stored, const std::string& text) const = 0;
};

}  // namespace postern::deploy
