// The witness: process 1 of the lab guest. It holds a nonce that exists only in memory, counts in memory and on
// every disk at once, keeps a checked area of memory, and answers commands on the first serial line, one line each,
// in JSON. What it proves: after a revert, the nonce is the same (so this is no reboot), and memory and disks are of
// one instant, because before each write the witness reads back what is on the disk and compares it with what memory
// says was written there last. A disk from an earlier or a later instant therefore counts as an error.
// Owner: nobody but process 1; threads share `lab` under its locks. The protocol is described in README.md.
#include "witness.h"

struct lab lab = {.count_lock = PTHREAD_MUTEX_INITIALIZER,
                  .words_lock = PTHREAD_MUTEX_INITIALIZER,
                  .area_lock = PTHREAD_MUTEX_INITIALIZER,
                  .errors_lock = PTHREAD_MUTEX_INITIALIZER,
                  .tick_us = 5000};

uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

void complain(const char *format, ...) {
    char text[160];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&lab.errors_lock);
    if (lab.errors++ == 0) snprintf(lab.first_error, sizeof lab.first_error, "%s", text);
    pthread_mutex_unlock(&lab.errors_lock);
}

void spawn(void *(*body)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0) complain("cannot start a thread");
    else pthread_detach(thread);
}

// The value of `key=` on the kernel command line, or `fallback`.
static const char *boot_word(const char *key, const char *fallback) {
    static char line[4096], value[256];
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof line - 1);
    if (fd >= 0) close(fd);
    line[n > 0 ? n : 0] = 0;
    size_t length = strlen(key);
    for (char *at = strtok(line, " \n"); at; at = strtok(NULL, " \n"))
        if (strncmp(at, key, length) == 0 && at[length] == '=') {
            snprintf(value, sizeof value, "%s", at + length + 1);
            return value;
        }
    return fallback;
}

static uint64_t boot_number(const char *key, uint64_t fallback) {
    const char *word = boot_word(key, NULL);
    return word ? strtoull(word, NULL, 10) : fallback;
}

// Loads the modules of /modules/<group> in the order in which make_guest wrote them there.
static void load_modules(const char *group) {
    char list[64], name[96], path[160];
    snprintf(list, sizeof list, "/modules/%s", group);
    FILE *file = fopen(list, "re");
    while (file && fscanf(file, "%95s", name) == 1) {
        snprintf(path, sizeof path, "/modules/%s", name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) != 0 && errno != EEXIST)) complain("cannot load module %s: %s", name, strerror(errno));
        if (fd >= 0) close(fd);
    }
    if (file) fclose(file);
}

static void mount_all(void) {
    mkdir("/dev", 0755), mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/run", 0755), mkdir("/tmp", 0777);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    mount("run", "/run", "tmpfs", 0, NULL);
}

static void choose_nonce(void) {
    uint64_t bits = 0;
    // GRND_INSECURE: never wait for entropy; the clocks below make two boots differ all the same.
    syscall(SYS_getrandom, &bits, sizeof bits, 4);
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    lab.nonce = bits ^ mix((uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 30) ^ mix(__builtin_ia32_rdtsc());
}

// Opens the disks of lab.disks=, waiting for each for up to ten seconds; without that word, whatever /dev/vd? there is.
static void open_disks(void) {
    char names[256], path[64];
    snprintf(names, sizeof names, "%s", boot_word("lab.disks", "vda?,vdb?"));
    for (char *name = strtok(names, ","); name && lab.disk_count < DISKS_MAX; name = strtok(NULL, ",")) {
        char *mark = strchr(name, '?');
        if (mark) *mark = 0;
        snprintf(path, sizeof path, "/dev/%s", name);
        struct disk *disk = &lab.disks[lab.disk_count];
        disk->fd = -1;
        for (int tries = mark ? 50 : 1000; tries > 0 && disk->fd < 0; tries--) {
            disk->fd = open(path, O_RDWR | O_DIRECT | O_SYNC | O_CLOEXEC);
            if (disk->fd < 0) usleep(10000);
        }
        if (disk->fd < 0 && mark) continue;
        if (disk->fd < 0) complain("no disk %s: %s", name, strerror(errno));
        snprintf(disk->name, sizeof disk->name, "%s", name);
        lab.disk_count++;
    }
}

static void boot(void) {
    mount_all();
    load_modules("core");
    if (strstr(boot_word("lab.disks", ""), "sd")) load_modules("sd");
    choose_nonce();
    lab.tick_us = boot_number("lab.tick_ms", 5) * 1000;
    lab.dirty_mib_s = boot_number("lab.dirty", 0);
    open_disks();
    area_fill(boot_number("lab.fill", 0));
    spawn(counter_body, NULL);
    spawn(dirty_body, NULL);
    if (boot_number("lab.gap", 0)) spawn(gap_body, NULL);
    watch_power_button();
    spawn(socket_body, NULL);
}

int main(int argc, char **argv) {
    if (getpid() != 1) return client(argc, argv);
    boot();
    if (boot_number("lab.shell", 0)) shell_forever();
    serial_forever();
}
