/* What of a file a power cut would leave: preloaded into a server, this notes how much of each file was on the disk when
   the last fsync or fdatasync of it returned. SYNCED_FOLDER/<inode> holds that size in bytes, as text. The size is taken
   before the call, so that a write which races it does not count. SYNCED_FOLDER/began.<thread> holds the ms of the
   monotonic clock at which a call of that thread began, while it lasts; took.<thread> how many ms its longest took.
   SYNC_DELAY_US makes every such call slow. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef int (*sync_call)(int);

/* Have a file of the folder hold a number; nobody sees half of it. */
static void keep(const char *folder, const char *name, long long number) {
  char path[1024], draft[1040], text[32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  snprintf(draft, sizeof draft, "%s/draft.%d", folder, (int)gettid());
  int out = open(draft, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (out < 0) return;
  int length = snprintf(text, sizeof text, "%lld", number);
  int whole = write(out, text, length) == length;
  close(out);
  if (whole) rename(draft, path);
}

static long long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int synced(const char *name, int descriptor) {
  static __thread long long longest = -1;
  struct stat before;
  char began[64], took[64], inode[32], path[1024];
  const char *folder = getenv("SYNCED_FOLDER"), *delay = getenv("SYNC_DELAY_US");
  sync_call really = (sync_call)dlsym(RTLD_NEXT, name);
  if (!folder || fstat(descriptor, &before) != 0 || !S_ISREG(before.st_mode)) return really(descriptor);
  snprintf(began, sizeof began, "began.%d", (int)gettid());
  snprintf(took, sizeof took, "took.%d", (int)gettid());
  long long since = now_ms();
  keep(folder, began, since);
  if (delay) usleep((useconds_t)atol(delay));
  int result = really(descriptor);
  snprintf(inode, sizeof inode, "%lu", (unsigned long)before.st_ino);
  if (result == 0) keep(folder, inode, before.st_size);
  if (now_ms() - since > longest) keep(folder, took, longest = now_ms() - since);
  snprintf(path, sizeof path, "%s/%s", folder, began);
  unlink(path);
  return result;
}

int fsync(int descriptor) { return synced("fsync", descriptor); }
int fdatasync(int descriptor) { return synced("fdatasync", descriptor); }
