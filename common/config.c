#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 65536, OPTION_MAX = 64, EXPECTED_MAX = 256 };

#define EACH_KEY(table, k)                                                                                   \
    for (const struct rr_config_key *const *part_ = (table)->parts; *part_; part_++)                         \
        for (const struct rr_config_key *k = *part_; (k)->key; (k)++)

struct load {
    const struct rr_config_table *table;
    void *conf;
    int argc;
    char **argv;
    unsigned bad;
};

static void complain(struct load *l, const char *fmt, ...) RR_PRINTF(2, 3);
static void complain(struct load *l, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s: ", l->table->program);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    l->bad++;
}

static void *member(void *conf, const struct rr_config_key *k)
{
    return (char *)conf + k->offset;
}

static bool is_text(const struct rr_config_key *k)
{
    return k->type == RR_CFG_TEXT || k->type == RR_CFG_SECRET;
}

static uint32_t max_of(const struct rr_config_key *k)
{
    return k->min == 0 && k->max == 0 ? UINT32_MAX : k->max;
}

/* "RR_HTTP_PORT" → "http-port" */
static const char *option_name(const struct rr_config_key *k, char out[OPTION_MAX])
{
    const char *from = k->key + strlen("RR_");
    size_t i = 0;

    for (; from[i] && i < OPTION_MAX - 1; i++)
        out[i] = from[i] == '_'                     ? '-'
                 : from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] - 'A' + 'a')
                                                    : from[i];
    out[i] = '\0';
    return out;
}

/* "a | b | c" */
static const char *join_choices(const struct rr_config_key *k, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (const char *const *c = k->choices; *c && len < cap; c++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", c == k->choices ? "" : " | ", *c);
    return out;
}

static const char *expected(const struct rr_config_key *k, char out[EXPECTED_MAX])
{
    char choices[EXPECTED_MAX - 16];

    if (k->type == RR_CFG_U32)
        snprintf(out, EXPECTED_MAX, "a whole number from %u to %u", k->min, max_of(k));
    else if (k->type == RR_CFG_ENUM)
        snprintf(out, EXPECTED_MAX, "one of %s", join_choices(k, choices, sizeof(choices)));
    else
        snprintf(out, EXPECTED_MAX, "a text that is not empty");
    return out;
}

/* ---- one value ---- */

static bool parse_u32(const char *text, const struct rr_config_key *k, uint32_t *ret)
{
    uint64_t v = 0;

    if (!*text || strlen(text) > 10)
        return false;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '9')
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    if (v < k->min || v > max_of(k))
        return false;
    *ret = (uint32_t)v;
    return true;
}

static bool parse_enum(const char *text, const struct rr_config_key *k, int *ret)
{
    for (int i = 0; k->choices[i]; i++)
        if (strcmp(text, k->choices[i]) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

static bool store(struct load *l, const struct rr_config_key *k, const char *text)
{
    char *copy;

    if (k->type == RR_CFG_U32)
        return parse_u32(text, k, member(l->conf, k));
    if (k->type == RR_CFG_ENUM)
        return parse_enum(text, k, member(l->conf, k));
    if (!*text && !k->dflt)
        return false;
    copy = strdup(text);
    if (!copy)
        complain(l, "%s: out of memory", k->key);
    *(char **)member(l->conf, k) = copy;
    return true;
}

/* ---- where it comes from ---- */

static const char *environment(const char *key)
{
    return getenv(key); /* NOLINT(concurrency-mt-unsafe): there are no threads yet */
}

/* The text of `--http-port=text` if `arg` is that for `k`, else NULL. */
static const char *option_text(const char *arg, const struct rr_config_key *k)
{
    char name[OPTION_MAX];
    size_t len = strlen(option_name(k, name));

    if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, len) != 0 || arg[2 + len] != '=')
        return NULL;
    return arg + 2 + len + 1;
}

static const char *from_command_line(const struct load *l, const struct rr_config_key *k)
{
    const char *last = NULL;

    for (int i = 1; i < l->argc && strcmp(l->argv[i], "--") != 0; i++) {
        const char *text = option_text(l->argv[i], k);

        if (text)
            last = text;
    }
    return last;
}

/* The file's content without its last newline, or NULL after a complaint. */
static char *read_file(struct load *l, const char *key, const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(FILE_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, FILE_MAX + 1, f) : 0;

    if (!text || ferror(f)) {
        complain(l, "%s_FILE: cannot read \"%s\": %s", key, path, strerrordesc_np(errno));
    } else if (n > FILE_MAX || memchr(text, '\0', n)) {
        complain(l, "%s_FILE: \"%s\" is no text of at most %d bytes", key, path, FILE_MAX);
    } else {
        fclose(f);
        text[n > 0 && text[n - 1] == '\n' ? n - 1 : n] = '\0';
        return text;
    }
    if (f)
        fclose(f);
    free(text);
    return NULL;
}

/* False: nothing is set there, or it has been complained about (then l->bad has grown). */
static bool from_file(struct load *l, const struct rr_config_key *k, char **ret)
{
    char file_key[OPTION_MAX + 8];
    const char *path;

    snprintf(file_key, sizeof(file_key), "%s_FILE", k->key);
    path = is_text(k) ? environment(file_key) : NULL;
    if (!path)
        return false;
    if (environment(k->key)) {
        complain(l, "%s: is set, and so is %s; expected one of the two", k->key, file_key);
        return false;
    }
    *ret = read_file(l, k->key, path);
    return *ret != NULL;
}

static void load_key(struct load *l, const struct rr_config_key *k)
{
    const unsigned bad_before = l->bad;
    const char *text = from_command_line(l, k), *from = "the command line";
    rr_auto(free) char *file = NULL;
    char want[EXPECTED_MAX];

    if (!text && from_file(l, k, &file)) {
        text = file;
        from = "the file";
    } else if (!text) {
        text = environment(k->key);
        from = "the environment";
    }
    if (l->bad > bad_before)
        return;
    if (!text) {
        text = k->dflt;
        from = "its default";
    }
    if (!text)
        complain(l, "%s: is not set; expected %s: %s", k->key, expected(k, want), k->help);
    else if (!store(l, k, text))
        complain(l, "%s: \"%s\" (from %s); expected %s", k->key,
                 k->type == RR_CFG_SECRET && *text ? "***" : text, from, expected(k, want));
}

static bool is_known_option(const struct rr_config_table *table, const char *arg)
{
    EACH_KEY(table, k)
    if (option_text(arg, k))
        return true;
    return false;
}

static bool is_verb_option(const char *arg)
{
    return strcmp(arg, "--help") == 0 || strcmp(arg, "--version") == 0 || strcmp(arg, "--dump-config") == 0;
}

static void check_options(struct load *l)
{
    for (int i = 1; i < l->argc && strcmp(l->argv[i], "--") != 0; i++) {
        const char *arg = l->argv[i];

        if (arg[0] != '-' || !arg[1] || is_verb_option(arg) || is_known_option(l->table, arg))
            continue;
        complain(l, "unknown option \"%.*s\"; expected --<name>=<value> as --help lists them",
                 (int)strcspn(arg, "="), arg);
    }
}

/* *all says whether "--" came before `arg`: then all are words. */
static bool is_word(const char *arg, bool *all)
{
    if (*all || arg[0] != '-' || !arg[1])
        return true;
    *all = strcmp(arg, "--") == 0;
    return false;
}

/* Not by its text: of `--mysql-password secret` that would be the secret. */
static void check_words(struct load *l)
{
    bool all = false;

    for (int i = 1; i < l->argc && !l->table->usage; i++)
        if (is_word(l->argv[i], &all))
            complain(l, "argument %d is no option; expected --<name>=<value> as --help lists them", i);
}

/* Moves the words to the front; returns how many. */
static int gather_words(int argc, char **argv)
{
    bool all = false;
    int n = 0;

    for (int i = 1; i < argc; i++)
        if (is_word(argv[i], &all))
            argv[++n] = argv[i];
    return n;
}

/* ---- printing ---- */

static const char *placeholder(const struct rr_config_key *k)
{
    switch (k->type) {
    case RR_CFG_U32: return "NUMBER";
    case RR_CFG_ENUM: return "WORD";
    default: return "TEXT";
    }
}

static const char *default_text(const struct rr_config_key *k)
{
    return !k->dflt ? "required" : !*k->dflt ? "none" : k->dflt;
}

static void print_help(const struct rr_config_table *table)
{
    int option_width = 0, key_width = 0, default_width = 0;
    char name[OPTION_MAX], option[2 * OPTION_MAX], choices[EXPECTED_MAX];

    EACH_KEY(table, k)
    {
        const int key_len = (int)strlen(k->key), default_len = (int)strlen(default_text(k));
        const int option_len = (int)(strlen("--=") + strlen(option_name(k, name)) + strlen(placeholder(k)));

        option_width = option_len > option_width ? option_len : option_width;
        key_width = key_len > key_width ? key_len : key_width;
        default_width = default_len > default_width ? default_len : default_width;
    }
    printf("%s: %s\n\nUsage: %s [option …]%s%s\n\n", table->program, table->about, table->program,
           table->usage ? " " : "", table->usage ? table->usage : "");
    printf("An option wins over the environment, which wins over the default. A text may come from the\n"
           "file that <VARIABLE>_FILE names.\n\n");
    printf("  %-*s  %-*s  %-*s  %s\n", option_width, "option", key_width, "variable", default_width,
           "default", "meaning");
    EACH_KEY(table, k)
    {
        snprintf(option, sizeof(option), "--%s=%s", option_name(k, name), placeholder(k));
        printf("  %-*s  %-*s  %-*s  %s", option_width, option, key_width, k->key, default_width,
               default_text(k), k->help);
        if (k->type == RR_CFG_ENUM)
            printf(" [%s]", join_choices(k, choices, sizeof(choices)));
        else if (k->type == RR_CFG_U32)
            printf(" [%u..%u]", k->min, max_of(k));
        putchar('\n');
    }
    printf("\n  --help, --version, --dump-config (what is in force, as VARIABLE=value)\n");
}

static void dump_key(void *conf, const struct rr_config_key *k)
{
    void *m = member(conf, k);

    printf("%s=", k->key);
    switch (k->type) {
    case RR_CFG_TEXT: printf("%s\n", *(const char **)m); break;
    case RR_CFG_SECRET: printf("%s\n", **(const char **)m ? "***" : ""); break;
    case RR_CFG_U32: printf("%u\n", *(uint32_t *)m); break;
    case RR_CFG_ENUM: printf("%s\n", k->choices[*(int *)m]); break;
    }
}

/* ---- the whole ---- */

static bool asked(const struct load *l, const char *option)
{
    for (int i = 1; i < l->argc && strcmp(l->argv[i], "--") != 0; i++)
        if (strcmp(l->argv[i], option) == 0)
            return true;
    return false;
}

static enum rr_config_end load(struct load *l)
{
    if (asked(l, "--help")) {
        print_help(l->table);
        return RR_CONFIG_EXIT_OK;
    }
    if (asked(l, "--version")) {
        printf("%s %s\n", l->table->program, RR_VERSION);
        return RR_CONFIG_EXIT_OK;
    }
    check_options(l);
    check_words(l);
    EACH_KEY(l->table, k)
    load_key(l, k);
    if (l->bad)
        return RR_CONFIG_EXIT_BAD;
    if (!asked(l, "--dump-config"))
        return RR_CONFIG_OK;
    EACH_KEY(l->table, k)
    dump_key(l->conf, k);
    return RR_CONFIG_EXIT_OK;
}

enum rr_config_end rr_config_load(const struct rr_config_table *table, void *conf, int argc, char **argv,
                                  int *ret_words)
{
    struct load l = {.table = table, .conf = conf, .argc = argc, .argv = argv};
    enum rr_config_end end = load(&l);

    if (end != RR_CONFIG_OK)
        rr_config_fini(table, conf);
    else if (ret_words)
        *ret_words = gather_words(argc, argv);
    return end;
}

void rr_config_fini(const struct rr_config_table *table, void *conf)
{
    EACH_KEY(table, k)
    if (is_text(k)) {
        free(*(char **)member(conf, k));
        *(char **)member(conf, k) = NULL;
    }
}
