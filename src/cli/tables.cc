#include "cli/tables.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include <fmt/format.h>

#include "cli/printable.h"

namespace stasis::cli {

namespace {

constexpr std::size_t kGap = 3;          // between columns
constexpr std::size_t kRecordColumn = 16;  // where the values of a record begin

std::string render_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string cell = printable(cells[i]);
        line += ' ' + cell;
        if (i + 1 < cells.size()) line += std::string(widths[i] - columns_of(cell) + kGap - 1, ' ');
    }
    return line + '\n';
}

class Tree {
public:
    explicit Tree(const std::vector<TreeNode>& nodes) {
        std::set<std::string> names;
        for (const auto& node : nodes) names.insert(node.name);
        for (const auto& node : nodes) {
            const bool is_child = names.contains(node.parent) && node.parent != node.name;
            (is_child ? children_[node.parent] : roots_).push_back(node.name);
        }
    }

    std::string render() {
        for (const auto& root : roots_) {
            text_ += printable(root) + '\n';
            render_children(root, "");
            if (!children_.contains(root)) text_ += '\n';
        }
        return std::move(text_);
    }

private:
    // A node has one parent and was reached from a root, so this ends.
    void render_children(const std::string& parent, const std::string& indent) {
        const auto at = children_.find(parent);
        if (at == children_.end()) return;
        text_ += indent + "  |\n";
        for (const auto& child : at->second) {
            const bool last = child == at->second.back();
            const std::string below = indent + "  " + (last ? "  " : "| ");
            text_ += indent + "  +- " + printable(child) + '\n';
            render_children(child, below);
            if (last && !children_.contains(child)) text_ += below + '\n';
        }
    }

    std::vector<std::string> roots_;
    std::map<std::string, std::vector<std::string>> children_;
    std::string text_;
};

// What virsh leaves at the ends of lines has no meaning.
std::string without_trailing_blanks(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '\n') result.resize(result.find_last_not_of(' ') + 1);
        result += c;
    }
    return result;
}

}  // namespace

std::string Table::render(bool bare) const {
    std::vector<std::size_t> widths(headings_.size());
    const auto widen = [&widths](const std::vector<std::string>& cells) {
        for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], columns_of(printable(cells[i])));
    };
    if (!bare) widen(headings_);
    for (const auto& row : rows_) widen(row);
    std::string text;
    if (!bare) {
        std::size_t width = 0;
        for (const std::size_t one : widths) width += one + kGap;
        text += render_row(headings_, widths) + std::string(width, '-') + '\n';
    }
    for (const auto& row : rows_) text += render_row(row, widths);
    return bare ? text : text + '\n';
}

std::string render_record(const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string text;
    for (const auto& [key, value] : pairs) text += fmt::format("{:<{}}{}\n", key + ":", kRecordColumn, printable(value));
    return text;
}

std::string render_tree(const std::vector<TreeNode>& nodes) { return without_trailing_blanks(Tree(nodes).render()); }

}  // namespace stasis::cli
