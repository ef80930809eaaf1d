/*
 * Preloaded into a gateway: system calls on one file that are carried out and then reported as failed, or after which the process
 * is dead. strace cannot do that: a call that it makes fail is not carried out.
 *
 * The file named by VITALSEAL_FAULT holds "CALL NAME MODE": the next CALL on a file whose path ends in NAME is followed by MODE:
 * "fail" (EIO), "die" (SIGKILL), or, before a write, "tear" (half of it is carried out, then SIGKILL). It happens once: whoever
 * removes the file does it. The CALL "puback" is a write that begins with a PUBACK, on whatever descriptor; its NAME is "mqtt",
 * and its MODE may be "never" too: SIGKILL instead of it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, FAIL, DIE, TEAR };

static int ends_in(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Raw system calls, so that looking for a fault never calls what is replaced below. */
static enum fault due(const char *call, const char *path) {
  const char *control = getenv("VITALSEAL_FAULT");
  char text[256], wanted[64], name[128], mode[16];
  if (control == NULL) return NONE;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NONE;
  long length = syscall(SYS_read, fd, text, sizeof text - 1);
  syscall(SYS_close, fd);
  if (length <= 0) return NONE;
  text[length] = '\0';
  if (sscanf(text, "%63s %127s %15s", wanted, name, mode) != 3) return NONE;
  if (strcmp(call, wanted) != 0 || !ends_in(path, name)) return NONE;
  if (syscall(SYS_unlinkat, AT_FDCWD, control, 0) != 0) return NONE;
  if (strcmp(mode, "never") == 0) kill(getpid(), SIGKILL);
  return strcmp(mode, "fail") == 0 ? FAIL : strcmp(mode, "die") == 0 ? DIE : TEAR;
}

static enum fault due_on(const char *call, int fd) {
  int before = errno;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  path[length < 0 ? 0 : length] = '\0';
  enum fault found = due(call, path);
  errno = before;
  return found;
}

static long finish(enum fault fault, long result) {
  if (fault == NONE) return result;
  if (fault != FAIL) kill(getpid(), SIGKILL);
  errno = EIO;
  return -1;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

int fsync(int fd) {
  enum fault fault = due_on("fsync", fd);
  return (int)finish(fault, REAL(fsync)(fd));
}

int fdatasync(int fd) {
  enum fault fault = due_on("fsync", fd); /* one name for both: which one SQLite uses is a matter of how it was built */
  return (int)finish(fault, REAL(fdatasync)(fd));
}

int ftruncate64(int fd, off64_t length) {
  enum fault fault = due_on("ftruncate", fd);
  return (int)finish(fault, REAL(ftruncate64)(fd, length));
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  enum fault fault = due_on("write", fd);
  return finish(fault, REAL(pwrite64)(fd, bytes, fault == TEAR ? count / 2 : count, offset));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return pwrite64(fd, bytes, count, offset);
}

/* MQTT 3.1.1 section 3.4: fixed header 0x40, remaining length 2. It may come in pieces. */
static enum fault due_on_puback(const struct iovec *parts, int count) {
  unsigned char head[2];
  size_t got = 0;
  for (int part = 0; part < count && got < 2; part++)
    for (size_t at = 0; at < parts[part].iov_len && got < 2; at++)
      head[got++] = ((const unsigned char *)parts[part].iov_base)[at];
  return got == 2 && head[0] == 0x40 && head[1] == 2 ? due("puback", "mqtt") : NONE;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  enum fault fault = due_on_puback(parts, count);
  return finish(fault, REAL(writev)(fd, parts, count));
}

ssize_t write(int fd, const void *bytes, size_t count) {
  struct iovec part = {(void *)bytes, count};
  enum fault fault = due_on_puback(&part, 1);
  return finish(fault, REAL(write)(fd, bytes, count));
}

int unlink(const char *path) {
  enum fault fault = due("unlink", path);
  return (int)finish(fault, REAL(unlink)(path));
}
