/* capture: what a piece of code writes to standard output or standard error. */
#pragma once

#include <stdio.h>
#include <unistd.h>

struct capture {
    int fd, saved;
    FILE *file;
};

static inline struct capture capture_begin(int fd)
{
    struct capture c = {.fd = fd};

    fflush(NULL);
    c.file = tmpfile();
    c.saved = dup(fd);
    dup2(fileno(c.file), fd);
    return c;
}

/* Returns what was written, cut at cap - 1 bytes. */
static inline char *capture_end(struct capture *c, char *text, size_t cap)
{
    fflush(NULL);
    dup2(c->saved, c->fd);
    close(c->saved);
    rewind(c->file);
    text[fread(text, 1, cap - 1, c->file)] = '\0';
    fclose(c->file);
    return text;
}
