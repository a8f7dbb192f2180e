#include "auth_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KID_MAX = 64, FILE_MAX = 16 * 1024 };

struct named_key {
    char kid[KID_MAX + 1];
    struct auth_key *key;
};

struct auth_keys {
    atomic_uint refs;
    size_t n;
    struct named_key keys[AUTH_KEYS_MAX];
};

/* ---- one file ---- */

/* Cuts the file's name into kid and algorithm. */
static bool read_name(const char *name, char kid[KID_MAX + 1], enum auth_alg *ret_alg)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const size_t len = strlen(name);

    for (int alg = 0; alg < AUTH_N_ALGS; alg++) {
        char end[16];
        int n = snprintf(end, sizeof(end), ".%s.%s", auth_alg_names[alg], alg == AUTH_HS256 ? "key" : "pem");

        if (len <= (size_t)n || len - (size_t)n > KID_MAX || strcmp(name + len - n, end) != 0)
            continue;
        memcpy(kid, name, len - (size_t)n);
        kid[len - (size_t)n] = '\0';
        *ret_alg = (enum auth_alg)alg;
        return kid[strspn(kid, allowed)] == '\0';
    }
    return false;
}

/* Up to FILE_MAX bytes of a file; -1 with errno. */
static ssize_t read_file(int dir, const char *name, char text[FILE_MAX])
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = 0, got = 1;

    if (fd < 0)
        return -1;
    while (got > 0 && len < FILE_MAX) {
        got = read(fd, text + len, (size_t)(FILE_MAX - len));
        len += got > 0 ? got : 0;
    }
    if (got < 0)
        len = -1;
    close(fd);
    return len;
}

static const char *add_file(struct auth_keys *keys, int dir, const char *name)
{
    struct named_key *new = &keys->keys[keys->n];
    char text[FILE_MAX];
    enum auth_alg alg;
    const char *wrong;
    ssize_t len;

    if (keys->n == AUTH_KEYS_MAX)
        return "is one more than the 64 keys that are taken";
    if (!read_name(name, new->kid, &alg))
        return "is not named <kid>.RS256.pem, <kid>.ES256.pem, <kid>.EdDSA.pem or <kid>.HS256.key";
    if (keys->n && auth_keys_find(keys, new->kid))
        return "is a second key of this kid";
    len = read_file(dir, name, text);
    if (len < 0)
        return "cannot be read";
    if (len == FILE_MAX)
        return "is larger than a key";
    wrong = auth_key_new(alg, text, (size_t)len, &new->key);
    OPENSSL_cleanse(text, (size_t)len);
    keys->n += !wrong;
    return wrong;
}

/* ---- the folder ---- */

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Symbolic links are followed: a mounted secret is a folder of them. */
static bool is_folder(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static bool add_all(struct auth_keys *keys, int dir, struct dirent **entries, int n, struct rr_buf *wrong)
{
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name, *why;

        if (is_folder(dir, name))
            continue;
        why = add_file(keys, dir, name);
        if (why) {
            rr_buf_printf(wrong, "%s %s", name, why);
            return false;
        }
    }
    if (!keys->n)
        rr_buf_puts(wrong, "the folder holds no key");
    return keys->n;
}

static bool load(struct auth_keys *keys, const char *path, struct rr_buf *wrong)
{
    struct dirent **entries = NULL;
    int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int n = dir < 0 ? -1 : scandirat(dir, ".", &entries, is_shown, alphasort);
    bool good = false;

    if (n < 0)
        rr_buf_printf(wrong, "the folder cannot be read: %s", strerror(errno));
    else
        good = add_all(keys, dir, entries, n, wrong);
    while (n > 0)
        free(entries[--n]);
    free(entries);
    if (dir >= 0)
        close(dir);
    return good;
}

struct auth_keys *auth_keys_load(const char *dir, struct rr_buf *wrong)
{
    struct auth_keys *keys = calloc(1, sizeof(*keys));

    if (!keys) {
        rr_buf_puts(wrong, "no memory");
        return NULL;
    }
    atomic_init(&keys->refs, 1);
    if (load(keys, dir, wrong))
        return keys;
    auth_keys_unref(keys);
    return NULL;
}

struct auth_keys *auth_keys_ref(struct auth_keys *keys)
{
    atomic_fetch_add_explicit(&keys->refs, 1, memory_order_relaxed);
    return keys;
}

void auth_keys_unref(struct auth_keys *keys)
{
    if (!keys || atomic_fetch_sub_explicit(&keys->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < keys->n; i++)
        auth_key_free(keys->keys[i].key);
    free(keys);
}

size_t auth_keys_n(const struct auth_keys *keys)
{
    return keys->n;
}

const struct auth_key *auth_keys_find(const struct auth_keys *keys, const char *kid)
{
    if (!kid)
        return keys->n == 1 ? keys->keys[0].key : NULL;
    for (size_t i = 0; i < keys->n; i++)
        if (strcmp(keys->keys[i].kid, kid) == 0)
            return keys->keys[i].key;
    return NULL;
}
