/* A disk for tests and benches: slow, broken, or one that tells what was written to it and what was synced.
 *
 * Preloaded into the server (LD_PRELOAD), it stands before the calls by which SQLite changes a file of the database:
 *
 *   DISK_SYNC_MS   every sync takes so long
 *   DISK_ERROR     a file with an errno: while it is there, every write and sync fails with it
 *   DISK_LOG       a file to which each write, truncation and completed sync is appended, in their order
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Precedes each record of the log: then come the file's name and the bytes. */
struct record {
  char kind; /* w: written, t: truncated, s: synced, u: unlinked */
  uint8_t name;
  uint16_t zero;
  uint32_t bytes;
  uint64_t offset;
};

static int log_fd = -1, sync_ms = 0;
static const char *error_file = NULL;
static pthread_mutex_t in_order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...) \
  static result (*real_##name)(__VA_ARGS__) = NULL; \
  if (!real_##name) real_##name = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("DISK_LOG"), *ms = getenv("DISK_SYNC_MS");
  if (log) log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (ms) sync_ms = atoi(ms);
  error_file = getenv("DISK_ERROR");
}

/* The last part of a path, if it is the database or its log; the shared memory is no part of what must last. */
static const char *of_database(const char *path) {
  const char *name = strrchr(path, '/');
  name = name ? name + 1 : path;
  size_t length = strlen(name);
  int is = (length > 3 && !strcmp(name + length - 3, ".db")) || (length > 4 && !strcmp(name + length - 4, "-wal")) ||
           (length > 8 && !strcmp(name + length - 8, "-journal"));
  return is ? name : NULL;
}

static const char *name_of(int fd, char path[4096]) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, 4095);
  if (length < 0) return NULL;
  path[length] = 0;
  return of_database(path);
}

static int broken(void) {
  if (!error_file) return 0;
  char digits[8] = {0};
  int fd = open(error_file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, digits, sizeof digits - 1);
  close(fd);
  if (length <= 0 || !atoi(digits)) return 0;
  errno = atoi(digits);
  return 1;
}

static void append(char kind, const char *name, const void *bytes, size_t length, uint64_t offset) {
  if (log_fd < 0) return;
  struct record record = {kind, (uint8_t)strlen(name), 0, (uint32_t)length, offset};
  struct iovec parts[3] = {{&record, sizeof record}, {(void *)name, record.name}, {(void *)bytes, length}};
  if (writev(log_fd, parts, 3) < 0) abort();
}

ssize_t write(int fd, const void *bytes, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  char path[4096];
  const char *name = name_of(fd, path);
  if (!name) return real_write(fd, bytes, length);
  if (broken()) return -1;
  pthread_mutex_lock(&in_order);
  off_t offset = lseek(fd, 0, SEEK_CUR);
  ssize_t written = real_write(fd, bytes, length);
  if (written > 0) append('w', name, bytes, (size_t)written, (uint64_t)offset);
  pthread_mutex_unlock(&in_order);
  return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
  char path[4096];
  const char *name = name_of(fd, path);
  if (!name) return real_pwrite64(fd, bytes, length, offset);
  if (broken()) return -1;
  pthread_mutex_lock(&in_order);
  ssize_t written = real_pwrite64(fd, bytes, length, offset);
  if (written > 0) append('w', name, bytes, (size_t)written, (uint64_t)offset);
  pthread_mutex_unlock(&in_order);
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

int ftruncate64(int fd, off64_t length) {
  REAL(int, ftruncate64, int, off64_t);
  char path[4096];
  const char *name = name_of(fd, path);
  if (!name) return real_ftruncate64(fd, length);
  if (broken()) return -1;
  pthread_mutex_lock(&in_order);
  int result = real_ftruncate64(fd, length);
  if (!result) append('t', name, NULL, 0, (uint64_t)length);
  pthread_mutex_unlock(&in_order);
  return result;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  const char *name = of_database(path);
  pthread_mutex_lock(&in_order);
  int result = real_unlink(path);
  if (!result && name) append('u', name, NULL, 0, 0);
  pthread_mutex_unlock(&in_order);
  return result;
}

static int synced(int fd, int result) {
  char path[4096];
  const char *name = name_of(fd, path);
  if (!name || result) return result;
  if (broken()) return -1;
  struct timespec pause = {sync_ms / 1000, (sync_ms % 1000) * 1000000L};
  if (sync_ms) nanosleep(&pause, NULL);
  pthread_mutex_lock(&in_order);
  append('s', name, NULL, 0, 0);
  pthread_mutex_unlock(&in_order);
  return 0;
}

int fsync(int fd) {
  REAL(int, fsync, int);
  return synced(fd, real_fsync(fd));
}

int fdatasync(int fd) {
  REAL(int, fdatasync, int);
  return synced(fd, real_fdatasync(fd));
}
