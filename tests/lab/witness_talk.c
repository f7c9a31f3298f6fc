// How the witness is spoken to: commands on the serial line and on a socket inside the guest, and the power button.
#include "witness.h"

static void answer_status(char *out, size_t room) {
    pthread_mutex_lock(&lab.count_lock);
    size_t n = (size_t)snprintf(out, room, "{\"nonce\":\"%016llx\",\"counter\":%llu", (unsigned long long)lab.nonce, (unsigned long long)lab.counter);
    for (int i = 0; i < lab.disk_count; i++)
        n += (size_t)snprintf(out + n, room - n, ",\"disk%d\":%llu", i, (unsigned long long)disk_counter(i));
    uint64_t last = lab.last_tick_us;
    bool holding = lab.holding;
    pthread_mutex_unlock(&lab.count_lock);
    pthread_mutex_lock(&lab.errors_lock);
    snprintf(out + n, room - n, ",\"last_tick_us\":%llu,\"uptime_us\":%llu,\"holding\":%s,\"dirtied_pages\":%llu,\"errors\":%llu,\"first_error\":\"%s\"}",
             (unsigned long long)last, (unsigned long long)now_us(), holding ? "true" : "false",
             (unsigned long long)lab.dirtied_pages, (unsigned long long)lab.errors, lab.first_error);
    pthread_mutex_unlock(&lab.errors_lock);
}

static void answer_set(const char *key, const char *value, char *out, size_t room) {
    pthread_mutex_lock(&lab.words_lock);
    int place = -1;
    for (int i = WORDS_MAX - 1; i >= 0; i--)
        if (lab.words[i].key[0] == 0 || strcmp(lab.words[i].key, key) == 0) place = i;
    for (int i = 0; i < WORDS_MAX; i++)
        if (strcmp(lab.words[i].key, key) == 0) place = i;
    if (place >= 0) {
        snprintf(lab.words[place].key, sizeof lab.words[place].key, "%s", key);
        snprintf(lab.words[place].value, sizeof lab.words[place].value, "%s", value);
    }
    pthread_mutex_unlock(&lab.words_lock);
    snprintf(out, room, place >= 0 ? "{\"ok\":true}" : "{\"error\":\"no room for another word\"}");
}

static void answer_get(const char *key, char *out, size_t room) {
    pthread_mutex_lock(&lab.words_lock);
    snprintf(out, room, "{\"value\":null}");
    for (int i = 0; i < WORDS_MAX; i++)
        if (lab.words[i].key[0] && strcmp(lab.words[i].key, key) == 0) snprintf(out, room, "{\"value\":\"%s\"}", lab.words[i].value);
    pthread_mutex_unlock(&lab.words_lock);
}

static void answer_disk(const char *disk, const char *offset, const char *word, char *out, size_t room) {
    int index = -1;
    for (int i = 0; i < lab.disk_count; i++)
        if (strcmp(lab.disks[i].name, disk) == 0 || (disk[0] == '0' + i && disk[1] == 0)) index = i;
    char *end = NULL, text[96] = "";
    uint64_t at = strtoull(offset, &end, 0);
    if (index < 0) snprintf(out, room, "{\"error\":\"no such disk\"}");
    else if (!*offset || *end || at % RECORD_BYTES) snprintf(out, room, "{\"error\":\"the offset must be a multiple of 4096\"}");
    else if (!disk_word(index, at, word, text, sizeof text)) snprintf(out, room, "{\"error\":\"%s\"}", strerror(errno));
    else if (word) snprintf(out, room, "{\"ok\":true}");
    else {
        for (char *c = text; *c; c++)
            if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') *c = '?';
        snprintf(out, room, "{\"value\":\"%s\"}", text);
    }
}

static void answer_hold(bool hold, char *out, size_t room) {
    pthread_mutex_lock(&lab.count_lock);
    lab.holding = hold;
    pthread_mutex_unlock(&lab.count_lock);
    snprintf(out, room, "{\"ok\":true}");
}

static void answer_verify(char *out, size_t room) {
    uint64_t bad, checksum;
    area_verify(&bad, &checksum);
    snprintf(out, room, "{\"pages\":%zu,\"bad\":%llu,\"checksum\":\"%016llx\"}", lab.pages, (unsigned long long)bad, (unsigned long long)checksum);
}

static void answer_gap(char *out, size_t room) {
    snprintf(out, room, "{\"gap_us\":%llu}", (unsigned long long)lab.gap_us);
    lab.gap_us = 0;
}

// Answers one command line; `line` is taken apart.
static void answer(char *line, char *out, size_t room) {
    const char *word[4] = {"", "", "", ""};
    char *rest = NULL;
    int count = 0;
    for (char *at = strtok_r(line, " \t", &rest); at && count < 4; at = strtok_r(NULL, " \t", &rest)) word[count++] = at;
    const char *verb = word[0];
    if (!strcmp(verb, "status")) answer_status(out, room);
    else if (!strcmp(verb, "set") && count == 3) answer_set(word[1], word[2], out, room);
    else if (!strcmp(verb, "get") && count == 2) answer_get(word[1], out, room);
    else if (!strcmp(verb, "write") && count == 4) answer_disk(word[1], word[2], word[3], out, room);
    else if (!strcmp(verb, "read") && count == 3) answer_disk(word[1], word[2], NULL, out, room);
    else if (!strcmp(verb, "hold")) answer_hold(true, out, room);
    else if (!strcmp(verb, "go")) answer_hold(false, out, room);
    else if (!strcmp(verb, "verify")) answer_verify(out, room);
    else if (!strcmp(verb, "gap")) answer_gap(out, room);
    else if (!strcmp(verb, "dirty") && count == 2) lab.dirty_mib_s = strtoull(word[1], NULL, 10), snprintf(out, room, "{\"ok\":true}");
    else if (!strcmp(verb, "poweroff")) power_off();
    else snprintf(out, room, "{\"error\":\"unknown command\"}");
}

static void write_all(int fd, const char *text, size_t length) {
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n <= 0) return;
        text += n, length -= (size_t)n;
    }
}

// Answers lines from `in` on `out` until the end of input. A line may start with a word "#...", which comes back in
// front of the answer: so a harness that has just connected can tell its own answers from older ones.
static void serve(int in, int out) {
    char line[512], reply[1024], whole[1200];
    size_t n = 0;
    for (char c; read(in, &c, 1) == 1;) {
        if (c != '\n' && c != '\r') {
            if (n + 1 < sizeof line) line[n++] = c;
            continue;
        }
        line[n] = 0;
        bool empty = n == 0;
        n = 0;
        if (empty) continue;
        char *command = line, tag[64] = "";
        if (line[0] == '#') {
            command += strcspn(line, " ");
            snprintf(tag, sizeof tag, "%.*s ", (int)(command - line), line);
        }
        answer(command, reply, sizeof reply);
        int length = snprintf(whole, sizeof whole, "%s%s\n", tag, reply);
        write_all(out, whole, (size_t)length);
    }
}

void power_off(void) {
    sync();
    reboot(LINUX_REBOOT_CMD_POWER_OFF);
}

static void *power_body(void *argument) {
    int fd = (int)(intptr_t)argument;
    for (struct input_event event; read(fd, &event, sizeof event) == (ssize_t)sizeof event;)
        if (event.type == EV_KEY && event.code == KEY_POWER && event.value == 1) power_off();
    return NULL;
}

void watch_power_button(void) {
    char path[64];
    for (int i = 0; i < 16; i++) {
        snprintf(path, sizeof path, "/dev/input/event%d", i);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) spawn(power_body, (void *)(intptr_t)fd);
    }
}

static int open_serial(void) {
    int fd = open("/dev/ttyS0", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios mode;
    if (fd < 0 || tcgetattr(fd, &mode) != 0) return fd;
    cfmakeraw(&mode);
    cfsetspeed(&mode, B115200);
    mode.c_cflag |= CLOCAL;
    tcsetattr(fd, TCSANOW, &mode);
    return fd;
}

void serial_forever(void) {
    for (;;) {
        int fd = open_serial();
        if (fd >= 0) {
            write_all(fd, "WITNESS READY\n", 14);
            serve(fd, fd);
            close(fd);
        }
        usleep(100000);
    }
}

static struct sockaddr_un socket_name(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/run/witness"};
    return name;
}

// The same commands on a socket, for a shell in the guest.
void *socket_body(void *unused) {
    (void)unused;
    struct sockaddr_un name = socket_name();
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(listener, 4) != 0) return NULL;
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        serve(fd, fd);
        close(fd);
    }
}

// `witness COMMAND...` in the guest's shell.
int client(int argc, char **argv) {
    struct sockaddr_un name = socket_name();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0) {
        perror("witness");
        return 1;
    }
    for (int i = 1; i < argc; i++) dprintf(fd, i + 1 < argc ? "%s " : "%s\n", argv[i]);
    if (argc < 2) dprintf(fd, "status\n");
    for (char c; read(fd, &c, 1) == 1 && write(1, &c, 1) == 1 && c != '\n';) continue;
    return 0;
}

// A shell on the serial line instead of the protocol, started again whenever it ends.
void shell_forever(void) {
    for (;;) {
        pid_t child = fork();
        if (child == 0) {
            setsid();
            int fd = open("/dev/ttyS0", O_RDWR);
            for (int i = 0; i < 3; i++) dup2(fd, i);
            setenv("PATH", "/bin", 1), setenv("PS1", "lab# ", 1), setenv("TERM", "linux", 1);
            execl("/bin/sh", "-sh", (char *)NULL);
            _exit(127);
        }
        while (wait(NULL) != child) continue;
        usleep(300000);
    }
}
