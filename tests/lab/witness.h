// What the parts of the witness share: the state in memory that the lab guest's tests look at, and its threads.
// witness_count.c counts and keeps the memory area, witness_talk.c answers commands, witness.c boots.
// Thread rule: each group of fields is guarded by the lock named beside it.
#pragma once

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <linux/reboot.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DISKS_MAX 8
#define WORDS_MAX 64
#define SLOTS 64             // the counter rotates through this many places of each disk
#define RECORD_BYTES 4096
#define SLOT_STRIDE 65536    // one qcow2 cluster each
#define SLOTS_START 1048576  // bytes from the start of the disk
#define PAGE_BYTES 4096

struct disk {
    char name[16];
    int fd;
    uint64_t written[SLOTS];  // what memory says each slot holds; 0: nothing yet
};

struct lab {
    uint64_t nonce;  // constant after boot

    pthread_mutex_t count_lock;  // counter, disks, holding, last_tick_us
    uint64_t counter, last_tick_us, tick_us;
    struct disk disks[DISKS_MAX];
    int disk_count;
    bool holding;

    pthread_mutex_t words_lock;
    struct { char key[32], value[96]; } words[WORDS_MAX];

    pthread_mutex_t area_lock;  // the area, its versions, dirty_mib_s
    unsigned char *area;
    uint32_t *versions;
    size_t pages;
    uint64_t dirtied_pages, dirty_mib_s;

    pthread_mutex_t errors_lock;
    uint64_t errors;
    char first_error[160];

    volatile uint64_t gap_us;  // longest hole since last asked; a lost update between writer and reader is harmless
};
extern struct lab lab;

// Scrambles 64 bits (splitmix64's finaliser).
static inline uint64_t mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t now_us(void);
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void spawn(void *(*body)(void *), void *argument);

// witness_count.c
uint64_t disk_counter(int disk);  // what the disk itself says now; call with count_lock held
bool disk_word(int disk, uint64_t offset, const char *write_this, char *read_back, size_t room);
void area_fill(uint64_t mib);
void area_verify(uint64_t *bad_pages, uint64_t *checksum);
void *counter_body(void *);
void *dirty_body(void *);
void *gap_body(void *);

// witness_talk.c
void *socket_body(void *);
void watch_power_button(void);
void power_off(void);
int client(int argc, char **argv);
_Noreturn void serial_forever(void);
_Noreturn void shell_forever(void);
