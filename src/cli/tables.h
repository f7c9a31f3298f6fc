// The shapes that virsh's users know: tables, "Key: value" records and trees. Text goes in as it is and comes out
// printable. Values and pure functions; any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace stasis::cli {

/// Rows of text below headings, each column as wide as its widest cell.
class Table {
public:
    explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    /// With headings, a rule and an empty line at the end; `bare`: the rows alone.
    [[nodiscard]] std::string render(bool bare) const;

private:
    std::vector<std::string> headings_;
    std::vector<std::vector<std::string>> rows_;
};

/// "Name:           web", one line a pair.
[[nodiscard]] std::string render_record(const std::vector<std::pair<std::string, std::string>>& pairs);

/// One node of a forest; `parent` that names no node makes it a root.
struct TreeNode {
    std::string name;
    std::string parent;
};
/// As `virsh snapshot-list --tree` draws it, children in the order given.
[[nodiscard]] std::string render_tree(const std::vector<TreeNode>& nodes);

}  // namespace stasis::cli
