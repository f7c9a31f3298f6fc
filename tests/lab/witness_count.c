// The witness's counter on memory and disks, and its checked area of memory.
#include "witness.h"

struct record {
    char magic[8];
    uint64_t disk, counter, fill[RECORD_BYTES / 8 - 4], checksum;
};
_Static_assert(sizeof(struct record) == RECORD_BYTES, "one record is one page");

static uint64_t record_checksum(const struct record *record) {
    const uint64_t *words = (const uint64_t *)record;
    uint64_t sum = 0;
    for (size_t i = 0; i + 1 < RECORD_BYTES / 8; i++) sum = (sum ^ words[i]) * 0x100000001b3u;
    return sum;
}

static struct record *record_buffer(void) {
    void *buffer = NULL;
    if (posix_memalign(&buffer, PAGE_BYTES, RECORD_BYTES) != 0) abort();
    return buffer;
}

static off_t slot_offset(uint64_t slot) { return (off_t)(SLOTS_START + slot * SLOT_STRIDE); }

// Reads a slot. False, with a complaint, when it cannot be read or is damaged; an empty slot reads as counter 0.
static bool read_slot(int index, uint64_t slot, struct record *record) {
    struct disk *disk = &lab.disks[index];
    if (pread(disk->fd, record, RECORD_BYTES, slot_offset(slot)) != RECORD_BYTES) {
        complain("%s: cannot read slot %llu: %s", disk->name, (unsigned long long)slot, strerror(errno));
        return false;
    }
    if (memcmp(record->magic, "WITNESS1", 8) != 0) {
        record->counter = 0;
        return true;
    }
    if (record->disk == (uint64_t)index && record->checksum == record_checksum(record)) return true;
    complain("%s: slot %llu is damaged", disk->name, (unsigned long long)slot);
    return false;
}

static bool write_slot(int index, uint64_t slot, uint64_t counter, struct record *record) {
    memcpy(record->magic, "WITNESS1", 8);
    record->disk = (uint64_t)index;
    record->counter = counter;
    for (size_t i = 0; i < sizeof record->fill / 8; i++) record->fill[i] = counter + i;
    record->checksum = record_checksum(record);
    if (pwrite(lab.disks[index].fd, record, RECORD_BYTES, slot_offset(slot)) == RECORD_BYTES) return true;
    complain("%s: cannot write slot %llu: %s", lab.disks[index].name, (unsigned long long)slot, strerror(errno));
    return false;
}

uint64_t disk_counter(int index) {
    static struct record *record;  // under count_lock
    if (!record) record = record_buffer();
    if (lab.counter == 0 || !read_slot(index, lab.counter % SLOTS, record)) return 0;
    return record->counter;
}

// One tick, in the written order: memory, then each disk in turn. Before a slot is written again it is read back:
// it must hold what memory says it was given SLOTS ticks ago.
static void tick(struct record *record) {
    uint64_t counter = ++lab.counter, slot = counter % SLOTS;
    for (int i = 0; i < lab.disk_count; i++) {
        struct disk *disk = &lab.disks[i];
        if (disk->fd < 0) continue;
        if (disk->written[slot] != 0 && read_slot(i, slot, record) && record->counter != disk->written[slot])
            complain("%s: slot %llu holds %llu, memory says %llu: disk and memory are of different instants", disk->name,
                     (unsigned long long)slot, (unsigned long long)record->counter, (unsigned long long)disk->written[slot]);
        if (write_slot(i, slot, counter, record)) disk->written[slot] = counter;
    }
    lab.last_tick_us = now_us();
}

void *counter_body(void *unused) {
    (void)unused;
    struct record *record = record_buffer();
    for (;;) {
        pthread_mutex_lock(&lab.count_lock);
        if (!lab.holding) tick(record);
        pthread_mutex_unlock(&lab.count_lock);
        usleep((useconds_t)lab.tick_us);
    }
}

bool disk_word(int index, uint64_t offset, const char *write_this, char *read_back, size_t room) {
    char *page = (char *)record_buffer();
    int fd = lab.disks[index].fd;
    bool done;
    if (write_this) {
        memset(page, 0, RECORD_BYTES);
        snprintf(page, RECORD_BYTES, "%s", write_this);
        done = pwrite(fd, page, RECORD_BYTES, (off_t)offset) == RECORD_BYTES;
    } else {
        done = pread(fd, page, RECORD_BYTES, (off_t)offset) == RECORD_BYTES;
        page[RECORD_BYTES - 1] = 0;
        if (done) snprintf(read_back, room, "%.90s", page);
    }
    free(page);
    return done;
}

// Fills `page`, or compares with what it holds, with the xorshift sequence that its number and version give.
static bool page_sequence(size_t page, uint32_t version, bool compare) {
    uint64_t *words = (uint64_t *)(void *)(lab.area + page * PAGE_BYTES);
    uint64_t x = mix(page * 0x10001u + version) | 1;
    for (size_t i = 0; i < PAGE_BYTES / 8; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        if (!compare) words[i] = x;
        else if (words[i] != x) return false;
    }
    return true;
}

void area_fill(uint64_t mib) {
    if (mib == 0) return;
    size_t bytes = (size_t)mib << 20;
    lab.area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    lab.versions = calloc(bytes / PAGE_BYTES, sizeof *lab.versions);
    if (lab.area == MAP_FAILED || !lab.versions) {
        complain("no memory for lab.fill=%llu", (unsigned long long)mib);
        return;
    }
    lab.pages = bytes / PAGE_BYTES;
    for (size_t page = 0; page < lab.pages; page++) page_sequence(page, 0, false);
}

void area_verify(uint64_t *bad_pages, uint64_t *checksum) {
    *bad_pages = *checksum = 0;
    for (size_t page = 0; page < lab.pages; page++) {
        pthread_mutex_lock(&lab.area_lock);
        if (!page_sequence(page, lab.versions[page], true)) ++*bad_pages;
        *checksum = mix(*checksum ^ lab.versions[page] ^ *(uint64_t *)(void *)(lab.area + page * PAGE_BYTES));
        pthread_mutex_unlock(&lab.area_lock);
    }
}

// Rewrites the area page by page at the wanted rate. Each page is checked before it is rewritten, so a page of
// another instant is found as it goes.
void *dirty_body(void *unused) {
    (void)unused;
    size_t page = 0;
    for (;;) {
        uint64_t rate = lab.dirty_mib_s;
        if (rate == 0 || lab.pages == 0) {
            usleep(20000);
            continue;
        }
        for (int i = 0; i < 32; i++, page = (page + 1) % lab.pages) {
            pthread_mutex_lock(&lab.area_lock);
            if (!page_sequence(page, lab.versions[page], true)) complain("memory page %zu is not of this instant", page);
            page_sequence(page, ++lab.versions[page], false);
            lab.dirtied_pages++;
            pthread_mutex_unlock(&lab.area_lock);
        }
        usleep((useconds_t)(125000 / rate));  // 32 pages are an eighth of a MiB
    }
}

void *gap_body(void *unused) {
    (void)unused;
    for (uint64_t before = now_us();;) {
        uint64_t now = now_us();
        if (now - before > lab.gap_us) lab.gap_us = now - before;
        before = now;
    }
}
