// Undo registered after its effect: runs on scope exit unless dismissed. One thread.
#pragma once

#include <functional>
#include <utility>

namespace stasis {

class Undo {
public:
    explicit Undo(std::function<void()> action) : action_(std::move(action)) {}
    Undo(const Undo&) = delete;
    Undo& operator=(const Undo&) = delete;
    ~Undo() {
        if (action_) action_();
    }
    void dismiss() { action_ = nullptr; }

private:
    std::function<void()> action_;
};

}  // namespace stasis
