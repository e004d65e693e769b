/*
 * A disk that fails, for tests: loaded with LD_PRELOAD, it watches the writes to files under SHIM_DIR and, at write number
 * SHIM_AT, does what SHIM_MODE says. Writes are counted from 1 over all files.
 *
 *   count   nothing; at the end the number of writes is in SHIM_DIR/../shim-count
 *   drop    everything written since the last sync of its file is undone, then the process ends
 *   some    as drop, but a part of the unsynced writes, chosen by SHIM_SEED, stays
 *   torn    the write is cut in the middle, then the process ends
 *   eio     the write fails with EIO, once
 *   fsync   the next sync fails with EIO, and what it should have synced is undone
 *   full    the write and all after it fail with ENOSPC
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct undo {
  struct undo *older;
  char *path;
  off_t offset, size_before;
  size_t length;
  char *bytes;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct undo *undone;
static long count, at;
static const char *dir, *mode;
static unsigned seed;
static int fsync_due;
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_fdatasync)(int), (*real_ftruncate)(int, off_t);

__attribute__((constructor)) static void start(void) {
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_write = dlsym(RTLD_NEXT, "write");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  dir = getenv("SHIM_DIR");
  mode = getenv("SHIM_MODE");
  at = getenv("SHIM_AT") ? atol(getenv("SHIM_AT")) : 0;
  seed = getenv("SHIM_SEED") ? (unsigned)atol(getenv("SHIM_SEED")) : 1;
}

/* The path of a watched file, to be freed; NULL for any other. */
static char *watched(int fd) {
  char link[64], path[4096];
  struct stat st;
  if (!dir || !mode || fd < 3 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return NULL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return NULL;
  path[n] = 0;
  return strncmp(path, dir, strlen(dir)) == 0 ? strdup(path) : NULL;
}

static void remember(const char *path, off_t offset, size_t length) {
  struct undo *entry = calloc(1, sizeof *entry);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) abort();
  entry->path = strdup(path);
  entry->offset = offset;
  entry->size_before = st.st_size;
  entry->bytes = malloc(length + 1);
  ssize_t got = pread(fd, entry->bytes, length, offset);
  entry->length = got > 0 ? (size_t)got : 0;
  close(fd);
  entry->older = undone;
  undone = entry;
}

static void forget(const char *path) {
  for (struct undo **place = &undone; *place;) {
    struct undo *entry = *place;
    if (strcmp(entry->path, path) != 0) {
      place = &entry->older;
      continue;
    }
    *place = entry->older;
    free(entry->path);
    free(entry->bytes);
    free(entry);
  }
}

/* Undoes what was not synced, newest first. A file that has another name by now was synced before it got it. */
static void lose(const char *path, int keep_some) {
  for (struct undo *entry = undone; entry; entry = entry->older) {
    if (path && strcmp(path, entry->path) != 0) continue;
    if (keep_some && rand_r(&seed) % 2) continue;
    int fd = open(entry->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) continue;
    if (entry->length) real_pwrite(fd, entry->bytes, entry->length, entry->offset);
    if (!keep_some) real_ftruncate(fd, entry->size_before);
    close(fd);
  }
}

/* What becomes of a write: 0 = carry it out, otherwise an error. */
static int decide(const char *path, int fd, const char *bytes, size_t length, off_t offset) {
  count++;
  int is_due = count == at;
  if (strcmp(mode, "full") == 0 && at && count >= at) return ENOSPC;
  if (is_due && strcmp(mode, "eio") == 0) return EIO;
  if (is_due && strcmp(mode, "fsync") == 0) fsync_due = 1;
  remember(path, offset, length);
  if (!is_due) return 0;
  if (strcmp(mode, "torn") == 0) {
    real_pwrite(fd, bytes, length / 2, offset);
    _exit(137);
  }
  if (strcmp(mode, "drop") == 0 || strcmp(mode, "some") == 0) {
    real_pwrite(fd, bytes, length, offset);
    lose(NULL, strcmp(mode, "some") == 0);
    _exit(137);
  }
  return 0;
}

static ssize_t checked_write(int fd, const void *bytes, size_t length, off_t offset, int moves) {
  char *path = watched(fd);
  if (!path) return moves ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, offset);
  pthread_mutex_lock(&lock);
  if (moves) offset = lseek(fd, 0, SEEK_CUR);
  int failure = decide(path, fd, bytes, length, offset);
  ssize_t done = -1;
  if (failure) errno = failure;
  else done = moves ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, offset);
  int kept = errno;
  pthread_mutex_unlock(&lock);
  free(path);
  errno = kept;
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) { return checked_write(fd, bytes, length, 0, 1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return checked_write(fd, bytes, length, offset, 0); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset) { return checked_write(fd, bytes, length, offset, 0); }

/* Short counts are allowed: the caller writes the rest. */
ssize_t writev(int fd, const struct iovec *vectors, int n) {
  return n > 0 ? checked_write(fd, vectors[0].iov_base, vectors[0].iov_len, 0, 1) : 0;
}
ssize_t pwritev(int fd, const struct iovec *vectors, int n, off_t offset) {
  return n > 0 ? checked_write(fd, vectors[0].iov_base, vectors[0].iov_len, offset, 0) : 0;
}
ssize_t pwritev64(int fd, const struct iovec *vectors, int n, off_t offset) { return pwritev(fd, vectors, n, offset); }

static int checked_sync(int fd, int (*real)(int)) {
  char *path = watched(fd);
  if (!path) return real(fd);
  pthread_mutex_lock(&lock);
  int done;
  if (fsync_due) {
    fsync_due = 0;
    lose(path, 0);
    forget(path);
    errno = EIO;
    done = -1;
  } else {
    done = real(fd);
    if (done == 0) forget(path);
  }
  int kept = errno;
  pthread_mutex_unlock(&lock);
  free(path);
  errno = kept;
  return done;
}

int fsync(int fd) { return checked_sync(fd, real_fsync); }
int fdatasync(int fd) { return checked_sync(fd, real_fdatasync); }

/* A shorter file counts at once: the bytes cut off are of no use to anybody by then. */
__attribute__((destructor)) static void end(void) {
  if (!dir || !mode || strcmp(mode, "count") != 0) return;
  char path[4096];
  snprintf(path, sizeof path, "%s/../shim-count", dir);
  FILE *file = fopen(path, "w");
  if (!file) return;
  fprintf(file, "%ld\n", count);
  fclose(file);
}
