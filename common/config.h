/* rr_config: one table of settings a program: it parses, checks, prints --help and --dump-config, feeds the
 * docs.
 *
 * Sources, the later one wins: the table's default; the environment (RR_HTTP_PORT=8080), for texts also
 * <KEY>_FILE (RR_MYSQL_PASSWORD_FILE=/run/secrets/x: the file's content without its last newline; a key and
 * its _FILE together are an error); the command line (--http-port=8080: the key without RR_, lower case, with
 * dashes). An unknown RR_… key in the environment is no error (a shell holds those of all programs); an
 * unknown option is.
 *
 * Threads: load once, before there are any; the struct is read-only after. Texts live as long as the struct:
 * rr_config_fini() frees them. */
#pragma once

#include "macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rr_config_type {
    RR_CFG_TEXT,   /* const char *              */
    RR_CFG_SECRET, /* const char *, dumped as *** */
    RR_CFG_U32,    /* uint32_t, min..max        */
    RR_CFG_ENUM,   /* int: index into `choices` */
};

struct rr_config_key {
    const char *key; /* "RR_HTTP_PORT"; units in names: …_MS, …_BYTES */
    enum rr_config_type type;
    size_t offset;    /* of the member in the program's struct */
    const char *dflt; /* as text; NULL: required */
    const char *help;
    uint32_t min, max;          /* RR_CFG_U32; both 0: 0..UINT32_MAX */
    const char *const *choices; /* RR_CFG_ENUM: NULL-terminated */
};

struct rr_config_table {
    const char *program, *about; /* for --help: one line */
    const char *usage;           /* the words beside options, e.g. "run | status"; NULL: none are taken */
    /* NULL-terminated list of key arrays, each ended by a row with key NULL */
    const struct rr_config_key *const *parts;
};

enum rr_config_end { RR_CONFIG_OK, RR_CONFIG_EXIT_OK, RR_CONFIG_EXIT_BAD };

/* Fills *conf (zeroed by the caller) from the environment and argv. EXIT_OK: --help, --version or
 * --dump-config was asked and is printed. EXIT_BAD: each wrong setting has been named on standard error: key,
 * the text (never a secret's), what was expected; exit with 2. In both *conf is empty again. Words that are
 * no options are moved to the front of argv[1…] and counted in *ret_words; where `usage` is NULL each of them
 * is EXIT_BAD, and ret_words may be NULL. */
enum rr_config_end rr_config_load(const struct rr_config_table *table, void *conf, int argc, char **argv,
                                  int *ret_words) RR_MUST_CHECK;
void rr_config_fini(const struct rr_config_table *table, void *conf);
