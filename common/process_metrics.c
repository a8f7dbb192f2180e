#include "process_metrics.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields of /proc/self/stat, numbered as proc(5) does. */
enum { STAT_UTIME = 14, STAT_STIME = 15, STAT_THREADS = 20, STAT_START = 22, STAT_VSIZE = 23, STAT_RSS = 24 };

static void put(struct rr_buf *out, const char *name, const char *type, const char *help, double v)
{
    rr_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
    rr_buf_real(out, v);
    rr_buf_puts(out, "\n");
}

/* Reads a small file; false if it cannot. */
static bool slurp(const char *path, char *text, size_t cap)
{
    FILE *f = fopen(path, "re");
    size_t n;

    if (!f)
        return false;
    n = fread(text, 1, cap - 1, f);
    fclose(f);
    text[n] = '\0';
    return n > 0;
}

/* fields[i] is field i of proc(5); the program's name, field 2, may hold blanks and brackets: count from the
 * last one. */
static bool read_stat(double fields[STAT_RSS + 1])
{
    char text[1024], *p;

    if (!slurp("/proc/self/stat", text, sizeof(text)) || !(p = strrchr(text, ')')))
        return false;
    p = strchr(p, ' ');
    for (int i = 3; p && i <= STAT_RSS; i++, p = strchr(p + 1, ' '))
        fields[i] = strtod(p + 1, NULL);
    return p != NULL;
}

static double boot_time(void)
{
    char line[256];
    double at = 0;
    FILE *f = fopen("/proc/stat", "re");

    if (!f)
        return 0;
    while (at == 0 && fgets(line, sizeof(line), f))
        if (strncmp(line, "btime ", 6) == 0)
            at = strtod(line + 6, NULL);
    fclose(f);
    return at;
}

static double open_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double n = -3; /* ".", ".." and the one that reads the folder */

    if (!dir)
        return 0;
    while (readdir(dir)) /* NOLINT(concurrency-mt-unsafe): nobody else has this folder's stream */
        n++;
    closedir(dir);
    return n;
}

void rr_process_metrics_render(struct rr_buf *out)
{
    const double ticks = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
    double f[STAT_RSS + 1];
    struct rlimit files;

    if (read_stat(f)) {
        put(out, "process_cpu_seconds_total", "counter", "CPU time used, user and system",
            (f[STAT_UTIME] + f[STAT_STIME]) / ticks);
        put(out, "process_resident_memory_bytes", "gauge", "memory in RAM", f[STAT_RSS] * page);
        put(out, "process_start_time_seconds", "gauge", "start, in seconds since 1970",
            boot_time() + f[STAT_START] / ticks);
        put(out, "process_threads", "gauge", "threads", f[STAT_THREADS]);
        put(out, "process_virtual_memory_bytes", "gauge", "address space", f[STAT_VSIZE]);
    }
    put(out, "process_open_fds", "gauge", "open files and sockets", open_fds());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        put(out, "process_max_fds", "gauge", "limit of open files and sockets", (double)files.rlim_cur);
}
