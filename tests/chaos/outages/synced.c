/* What of a file a power cut would leave: preloaded into a server, this notes how much of each file was on the disk when
   the last fsync or fdatasync of it returned. SYNCED_FOLDER/<inode> holds that size in bytes, as text. The size is taken
   before the call, so that a write which races it does not count. SYNC_DELAY_US makes every such call slow. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int (*sync_call)(int);

static void note(const struct stat *file) {
  char path[1024], draft[1040], text[32];
  const char *folder = getenv("SYNCED_FOLDER");
  if (!folder || !S_ISREG(file->st_mode)) return;
  snprintf(path, sizeof path, "%s/%lu", folder, (unsigned long)file->st_ino);
  snprintf(draft, sizeof draft, "%s.%d", path, (int)gettid());
  int out = open(draft, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (out < 0) return;
  int length = snprintf(text, sizeof text, "%lld", (long long)file->st_size);
  int whole = write(out, text, length) == length;
  close(out);
  if (whole) rename(draft, path);
}

static int synced(const char *name, int descriptor) {
  struct stat before;
  const char *delay = getenv("SYNC_DELAY_US");
  int known = fstat(descriptor, &before) == 0;
  if (delay) usleep((useconds_t)atol(delay));
  int result = ((sync_call)dlsym(RTLD_NEXT, name))(descriptor);
  if (result == 0 && known) note(&before);
  return result;
}

int fsync(int descriptor) { return synced("fsync", descriptor); }
int fdatasync(int descriptor) { return synced("fdatasync", descriptor); }
