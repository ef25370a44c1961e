// The pushes that a shard is working on: the keeper leaves them alone.
#pragma once

#include <set>
#include <string>

#include "gateway/base/guarded.h"

namespace postern::app {

// Thread-safe.
class InFlight {
 public:
  // Holds an id for as long as it lives.
  class Hold {
   public:
    Hold(InFlight& in_flight, std::string id) : in_flight_(in_flight), id_(std::move(id)) {
      in_flight_.ids_.lock()->insert(id_);
    }
    ~Hold() { in_flight_.ids_.lock()->erase(id_); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    InFlight& in_flight_;
    std::string id_;
  };

  bool contains(const std::string& id) { return ids_.lock()->contains(id); }

 private:
  Guarded<std::set<std::string>> ids_;
};

}  // namespace postern::app
