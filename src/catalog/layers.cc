#include <algorithm>
#include <string>
#include <utility>

#include "catalog/store.h"

namespace stasis::catalog {
namespace {

/// Reads one row of the images table.
Result<model::Image> read_image(const Database& database, const Statement& row, const std::string& domain) {
    const std::string key = domain + "/" + std::to_string(row.integer(0));
    model::Image image;
    if (!fits_u32(row.integer(0)) || row.integer(0) == 0) return database.bad_row("images", key, "id is out of range");
    image.id.value = static_cast<std::uint32_t>(row.integer(0));
    auto target = DiskTarget::parse(row.text(1));
    if (!target) return database.bad_row("images", key, "target '" + row.text(1) + "' is none");
    image.target = *std::move(target);
    image.path = row.text(2);
    const auto format = model::image_format_from(row.text(3));
    if (!format) return database.bad_row("images", key, "format '" + row.text(3) + "' is not known");
    image.format = *format;
    image.virtual_bytes = loaded(row.integer(4));
    if (!fits_u32(row.integer(5))) return database.bad_row("images", key, "backing is out of range");
    image.backing.value = static_cast<std::uint32_t>(row.integer(5));  // NULL reads as 0
    image.made_by_stasis = row.integer(6) != 0;
    if (!row.is_null(7)) image.frozen = model::Fingerprint{loaded(row.integer(7)), row.integer(8), loaded(row.integer(9))};
    return image;
}

}  // namespace

Result<void> SqliteCatalog::load_images(std::int64_t row, DomainRecord& record) {
    STASIS_TRY(Statement rows, database_->prepare("SELECT id, target, path, format, virtual_bytes, backing, made_by_stasis,"
                                                  " frozen_size, frozen_modified_ns, frozen_inode FROM images"
                                                  " WHERE domain = ? ORDER BY id", {row}));
    std::vector<model::Image> images;
    for (;;) {
        STASIS_TRY(const bool more, rows.next());
        if (!more) break;
        STASIS_TRY(model::Image image, read_image(*database_, rows, record.name.str()));
        images.push_back(std::move(image));
    }
    record.images = model::ImageGraph(std::move(images), record.images.next_id());
    return {};
}

Result<void> SqliteCatalog::load_layers(std::int64_t row, DomainRecord& record) {
    STASIS_CHECK(load_images(row, record));
    STASIS_TRY(Statement active, database_->prepare("SELECT target, image FROM active_layers WHERE domain = ?", {row}));
    for (;;) {
        STASIS_TRY(const bool more, active.next());
        if (!more) break;
        const std::string key = record.name.str() + "/" + active.text(0);
        auto target = DiskTarget::parse(active.text(0));
        if (!target) return database_->bad_row("active_layers", key, "target is none");
        if (!fits_u32(active.integer(1))) return database_->bad_row("active_layers", key, "image is out of range");
        record.active[*std::move(target)] = model::ImageId{static_cast<std::uint32_t>(active.integer(1))};
    }
    STASIS_TRY(Statement left, database_->prepare("SELECT image FROM left_behind WHERE domain = ? ORDER BY position", {row}));
    for (;;) {
        STASIS_TRY(const bool more, left.next());
        if (!more) return {};
        if (!fits_u32(left.integer(0))) return database_->bad_row("left_behind", record.name.str(), "image is out of range");
        record.left_behind.push_back(model::ImageId{static_cast<std::uint32_t>(left.integer(0))});
    }
}

Result<void> SqliteCatalog::change_layers(const Uuid& uuid, const LayerChange& change) {
    STASIS_TRY(Transaction transaction, Transaction::write(*database_));
    STASIS_TRY(const std::int64_t row, domain_row(uuid));
    STASIS_CHECK(apply_change(row, change));
    return transaction.commit();
}

// Order matters little: references between images are checked when the transaction commits.
Result<void> SqliteCatalog::apply_change(std::int64_t row, const LayerChange& change) {
    for (const model::Image& image : change.put_images) STASIS_CHECK(put_image(row, image));
    STASIS_CHECK(raise_next_image(row, change.put_images));
    for (const auto& [target, id] : change.active) {
        STASIS_CHECK(database_->run("DELETE FROM active_layers WHERE domain = ? AND target = ?", {row, target.str()}));
        if (id.value == 0) continue;
        STASIS_CHECK(database_->run("INSERT INTO active_layers(domain, target, image) VALUES(?, ?, ?)",
                                    {row, target.str(), std::int64_t{id.value}}));
        // What the guest writes to is not left behind, whatever it was before.
        STASIS_CHECK(database_->run("DELETE FROM left_behind WHERE domain = ? AND image = ?", {row, std::int64_t{id.value}}));
    }
    for (const model::ImageId id : change.add_left_behind)
        STASIS_CHECK(database_->run("INSERT OR IGNORE INTO left_behind(domain, image) VALUES(?, ?)", {row, std::int64_t{id.value}}));
    for (const model::ImageId id : change.remove_images)
        STASIS_CHECK(database_->run("DELETE FROM images WHERE domain = ? AND id = ?", {row, std::int64_t{id.value}}));
    if (change.definition_xml)
        STASIS_CHECK(database_->run("UPDATE domains SET definition_xml = ? WHERE id = ?", {*change.definition_xml, row}));
    if (change.process) STASIS_CHECK(put_process(row, *change.process));
    if (change.nvram) STASIS_CHECK(database_->run("UPDATE domains SET nvram = ? WHERE id = ?", {*change.nvram, row}));
    if (change.current) STASIS_CHECK(put_current(row, *change.current));
    return {};
}

Result<void> SqliteCatalog::put_image(std::int64_t row, const model::Image& image) {
    if (image.id.value == 0 || !fits_u32(std::int64_t{image.id.value} + 1))
        return fail(ErrorKind::invalid, "record an image", image.path, "its id is out of range");
    const auto& frozen = image.frozen;
    return database_->run(
        "INSERT INTO images(domain, id, target, path, format, virtual_bytes, backing, made_by_stasis, frozen_size,"
        " frozen_modified_ns, frozen_inode) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(domain, id) DO UPDATE SET"
        " target = excluded.target, path = excluded.path, format = excluded.format, virtual_bytes = excluded.virtual_bytes,"
        " backing = excluded.backing, made_by_stasis = excluded.made_by_stasis, frozen_size = excluded.frozen_size,"
        " frozen_modified_ns = excluded.frozen_modified_ns, frozen_inode = excluded.frozen_inode",
        {row, std::int64_t{image.id.value}, image.target.str(), image.path, model::to_string(image.format),
         stored(image.virtual_bytes), nullable_image(image.backing), std::int64_t{image.made_by_stasis},
         frozen ? Value(stored(frozen->size_bytes)) : Value(), frozen ? Value(frozen->modified_ns) : Value(),
         frozen ? Value(stored(frozen->inode)) : Value()});
}

/// Past every id that was ever recorded: rows of images go, this number stays.
Result<void> SqliteCatalog::raise_next_image(std::int64_t row, const std::vector<model::Image>& images) {
    if (images.empty()) return {};
    const std::int64_t highest = std::ranges::max_element(images, {}, &model::Image::id)->id.value;
    return database_->run("UPDATE domains SET next_image = max(next_image, ?) WHERE id = ?", {highest + 1, row});
}

Result<void> SqliteCatalog::put_process(std::int64_t row, const std::optional<model::GuestProcess>& process) {
    return database_->run("UPDATE domains SET process_generation = ?, process_pid = ?, process_start_ticks = ? WHERE id = ?",
                          {process ? Value(std::int64_t{process->generation}) : Value(),
                           process ? Value(process->pid) : Value(),
                           process ? Value(stored(process->start_ticks)) : Value(), row});
}

Result<void> SqliteCatalog::put_current(std::int64_t row, const std::optional<SnapshotName>& current) {
    if (!current) return database_->run("UPDATE domains SET current_snapshot = NULL WHERE id = ?", {row});
    STASIS_TRY(const std::int64_t snapshot, snapshot_row(row, *current));
    return database_->run("UPDATE domains SET current_snapshot = ? WHERE id = ?", {snapshot, row});
}

}  // namespace stasis::catalog
