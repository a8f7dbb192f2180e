#include "unit.h"

#include "capture.h"
#include "config.h"

#include <stdlib.h>
#include <string.h>

struct conf {
    const char *host, *password, *note;
    uint32_t port, queue;
    int level;
};

static const char *const levels[] = {"error", "info", NULL};
static const struct rr_config_key net[] = {
    {"RR_T_HOST", RR_CFG_TEXT, offsetof(struct conf, host), "127.0.0.1", "address", 0, 0, NULL},
    {"RR_T_PORT", RR_CFG_U32, offsetof(struct conf, port), "8080", "TCP port", 1, 65535, NULL},
    {0},
};
static const struct rr_config_key rest[] = {
    {"RR_T_PASSWORD", RR_CFG_SECRET, offsetof(struct conf, password), NULL, "its password", 0, 0, NULL},
    {"RR_T_NOTE", RR_CFG_TEXT, offsetof(struct conf, note), "", "a note", 0, 0, NULL},
    {"RR_T_QUEUE", RR_CFG_U32, offsetof(struct conf, queue), "0", "queue", 0, 0, NULL},
    {"RR_T_LEVEL", RR_CFG_ENUM, offsetof(struct conf, level), "info", "what is logged", 0, 0, levels},
    {0},
};
static const struct rr_config_key *const parts[] = {net, rest, NULL};
static const struct rr_config_table verbs = {"test-svc", "a program for tests", "run | status", parts};
static const struct rr_config_table *table = &verbs;

static struct conf conf;
static char printed[16384], complained[16384];
static int words;
static char *argv_[16];

static int set_environment(void **state)
{
    static const char *const keys[] = {"RR_T_HOST",      "RR_T_PORT",         "RR_T_NOTE",
                                       "RR_T_QUEUE",     "RR_T_LEVEL",        "RR_T_HOST_FILE",
                                       "RR_T_PORT_FILE", "RR_T_PASSWORD_FILE"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(keys); i++)
        unsetenv(keys[i]);
    setenv("RR_T_PASSWORD", "geheim", 1);
    table = &verbs;
    return 0;
}

static int free_conf(void **state)
{
    (void)state;
    rr_config_fini(table, &conf);
    return 0;
}

#define LOAD(...) load((const char *const[]){"test-svc", ##__VA_ARGS__, NULL})
static enum rr_config_end load(const char *const *argv)
{
    struct capture out, err;
    enum rr_config_end end;
    int argc = 0;

    rr_config_fini(table, &conf);
    memset(&conf, 0, sizeof(conf));
    for (words = -1; argv[argc]; argc++)
        memcpy(&argv_[argc], &argv[argc], sizeof(argv[argc]));
    out = capture_begin(STDOUT_FILENO);
    err = capture_begin(STDERR_FILENO);
    end = rr_config_load(table, &conf, argc, argv_, &words);
    capture_end(&err, complained, sizeof(complained));
    capture_end(&out, printed, sizeof(printed));
    return end;
}

/* The file's path; it goes away with the test program. */
static const char *file_with(const char *text, size_t len)
{
    static char path[64];
    static FILE *f;

    if (f)
        fclose(f);
    f = tmpfile();
    assert_int_equal(fwrite(text, 1, len, f), len);
    fflush(f);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
    return path;
}

static void defaults_hold_where_nothing_is_set(void **state)
{
    (void)state;
    assert_int_equal(LOAD(), RR_CONFIG_OK);
    assert_string_equal(conf.host, "127.0.0.1");
    assert_int_equal(conf.port, 8080);
    assert_string_equal(conf.password, "geheim");
    assert_string_equal(conf.note, "");
    assert_int_equal(conf.level, 1);
    assert_string_equal(complained, "");
    assert_string_equal(printed, "");
}

static void the_environment_wins_over_the_default_and_an_option_over_both(void **state)
{
    (void)state;
    setenv("RR_T_HOST", "::1", 1);
    setenv("RR_T_PORT", "81", 1);
    setenv("RR_T_LEVEL", "error", 1);
    assert_int_equal(LOAD("--t-port=82", "--t-note=x=y"), RR_CONFIG_OK);
    assert_string_equal(conf.host, "::1");
    assert_int_equal(conf.port, 82);
    assert_string_equal(conf.note, "x=y");
    assert_int_equal(conf.level, 0);
}

static void the_last_of_several_options_wins(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--t-port=82", "--t-port=83"), RR_CONFIG_OK);
    assert_int_equal(conf.port, 83);
}

static void a_text_may_come_from_a_file_without_its_last_newline(void **state)
{
    (void)state;
    unsetenv("RR_T_PASSWORD");
    setenv("RR_T_PASSWORD_FILE", file_with("two\nlines\n\n", 11), 1);
    assert_int_equal(LOAD(), RR_CONFIG_OK);
    assert_string_equal(conf.password, "two\nlines\n");
    setenv("RR_T_PASSWORD_FILE", file_with("bare", 4), 1);
    assert_int_equal(LOAD(), RR_CONFIG_OK);
    assert_string_equal(conf.password, "bare");
}

static void an_option_wins_over_a_file(void **state)
{
    (void)state;
    setenv("RR_T_HOST_FILE", "/nonexistent", 1);
    assert_int_equal(LOAD("--t-host=::1"), RR_CONFIG_OK);
    assert_string_equal(conf.host, "::1");
}

static void a_key_and_its_file_together_are_refused(void **state)
{
    (void)state;
    setenv("RR_T_PASSWORD_FILE", file_with("other", 5), 1);
    assert_int_equal(LOAD(), RR_CONFIG_EXIT_BAD);
    assert_string_equal(
        complained,
        "test-svc: RR_T_PASSWORD: is set, and so is RR_T_PASSWORD_FILE; expected one of the two\n");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    unsetenv("RR_T_PASSWORD");
    setenv("RR_T_PASSWORD_FILE", "/nonexistent", 1);
    assert_int_equal(LOAD(), RR_CONFIG_EXIT_BAD);
    assert_string_equal(
        complained,
        "test-svc: RR_T_PASSWORD_FILE: cannot read \"/nonexistent\": No such file or directory\n");
    setenv("RR_T_PASSWORD_FILE", "/", 1);
    assert_int_equal(LOAD(), RR_CONFIG_EXIT_BAD);
    setenv("RR_T_PASSWORD_FILE", file_with("a\0b", 3), 1);
    assert_int_equal(LOAD(), RR_CONFIG_EXIT_BAD);
    assert_non_null(strstr(complained, "RR_T_PASSWORD_FILE"));
}

static void numbers_do_not_come_from_files(void **state)
{
    (void)state;
    setenv("RR_T_PORT_FILE", "/nonexistent", 1);
    assert_int_equal(LOAD(), RR_CONFIG_OK);
    assert_int_equal(conf.port, 8080);
}

static void a_number_is_whole_and_in_its_range(void **state)
{
    static const char *const texts[] = {"",    "0",   "65536", "80x",  "-1",
                                        "+80", " 80", "8e1",   "0x50", "99999999999999999999"};

    (void)state;
    for (size_t i = 0; i < RR_LEN(texts); i++) {
        char expected[256];

        setenv("RR_T_PORT", texts[i], 1);
        assert_int_equal(LOAD(), RR_CONFIG_EXIT_BAD);
        snprintf(
            expected, sizeof(expected),
            "test-svc: RR_T_PORT: \"%s\" (from the environment); expected a whole number from 1 to 65535\n",
            texts[i]);
        assert_string_equal(complained, expected);
    }
    setenv("RR_T_PORT", "65535", 1);
    setenv("RR_T_QUEUE", "4294967295", 1);
    assert_int_equal(LOAD(), RR_CONFIG_OK);
    assert_int_equal(conf.queue, UINT32_MAX);
    assert_int_equal(LOAD("--t-queue=4294967296"), RR_CONFIG_EXIT_BAD);
    assert_non_null(strstr(
        complained, "RR_T_QUEUE: \"4294967296\" (from the command line); expected a whole number from 0 "
                    "to 4294967295"));
}

static void a_word_is_one_of_its_choices(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--t-level=INFO"), RR_CONFIG_EXIT_BAD);
    assert_string_equal(
        complained, "test-svc: RR_T_LEVEL: \"INFO\" (from the command line); expected one of error | info\n");
}

static void what_is_required_is_named_when_missing_or_empty(void **state)
{
    (void)state;
    setenv("RR_T_PASSWORD", "", 1);
    assert_int_equal(LOAD(), RR_CONFIG_EXIT_BAD);
    assert_string_equal(
        complained,
        "test-svc: RR_T_PASSWORD: \"\" (from the environment); expected a text that is not empty\n");
    unsetenv("RR_T_PASSWORD");
    assert_int_equal(LOAD(), RR_CONFIG_EXIT_BAD);
    assert_string_equal(
        complained, "test-svc: RR_T_PASSWORD: is not set; expected a text that is not empty: its password\n");
}

static void every_wrong_setting_is_named_at_once(void **state)
{
    (void)state;
    setenv("RR_T_PORT", "x", 1);
    assert_int_equal(LOAD("--t-level=x", "--t-colour=red", "-v"), RR_CONFIG_EXIT_BAD);
    assert_non_null(strstr(complained, "RR_T_PORT"));
    assert_non_null(strstr(complained, "RR_T_LEVEL"));
    assert_non_null(strstr(complained, "unknown option \"--t-colour\""));
    assert_non_null(strstr(complained, "unknown option \"-v\""));
    assert_null(conf.host);
}

static void an_option_needs_its_value_and_its_whole_name(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--t-port", "82"), RR_CONFIG_EXIT_BAD);
    assert_int_equal(LOAD("--t-por=82"), RR_CONFIG_EXIT_BAD);
    assert_int_equal(LOAD("--t-port2=82"), RR_CONFIG_EXIT_BAD);
}

static void other_programs_keys_in_the_environment_are_no_error(void **state)
{
    (void)state;
    setenv("RR_SOMETHING_ELSE", "x", 1);
    assert_int_equal(LOAD(), RR_CONFIG_OK);
}

static void words_are_moved_to_the_front(void **state)
{
    (void)state;
    assert_int_equal(LOAD("dead-letters", "--t-port=82", "show", "--", "--7"), RR_CONFIG_OK);
    assert_int_equal(words, 3);
    assert_string_equal(argv_[1], "dead-letters");
    assert_string_equal(argv_[2], "show");
    assert_string_equal(argv_[3], "--7");
}

static void a_word_is_refused_where_none_are_taken(void **state)
{
    static const struct rr_config_table wordless = {"test-svc", "a program for tests", NULL, parts};

    (void)state;
    table = &wordless;
    assert_int_equal(LOAD("run", "--t-port=82", "--", "--7"), RR_CONFIG_EXIT_BAD);
    assert_string_equal(
        complained, "test-svc: argument 1 is no option; expected --<name>=<value> as --help lists them\n"
                    "test-svc: argument 4 is no option; expected --<name>=<value> as --help lists them\n");
    assert_int_equal(LOAD("--t-level=x", "run"), RR_CONFIG_EXIT_BAD);
    assert_non_null(strstr(complained, "argument 2"));
    assert_non_null(strstr(complained, "RR_T_LEVEL"));
    assert_int_equal(LOAD("--t-password", "geheim"), RR_CONFIG_EXIT_BAD);
    assert_null(strstr(complained, "geheim"));
    assert_int_equal(LOAD("--t-port=82", "--"), RR_CONFIG_OK);
    assert_int_equal(words, 0);
}

static void a_secret_is_never_printed(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--t-level=x"), RR_CONFIG_EXIT_BAD);
    assert_null(strstr(complained, "geheim"));
    assert_int_equal(LOAD("--dump-config"), RR_CONFIG_EXIT_OK);
    assert_null(strstr(printed, "geheim"));
    assert_int_equal(LOAD("--help"), RR_CONFIG_EXIT_OK);
    assert_null(strstr(printed, "geheim"));
    assert_int_equal(LOAD("--t-passwort=geheim"), RR_CONFIG_EXIT_BAD);
    assert_null(strstr(complained, "geheim"));
}

static void dump_config_prints_what_is_in_force(void **state)
{
    (void)state;
    setenv("RR_T_LEVEL", "error", 1);
    assert_int_equal(LOAD("--dump-config", "--t-port=82"), RR_CONFIG_EXIT_OK);
    assert_string_equal(printed,
                        "RR_T_HOST=127.0.0.1\nRR_T_PORT=82\nRR_T_PASSWORD=***\nRR_T_NOTE=\nRR_T_QUEUE=0\n"
                        "RR_T_LEVEL=error\n");
    assert_null(conf.host);
    setenv("RR_T_PORT", "x", 1);
    assert_int_equal(LOAD("--dump-config"), RR_CONFIG_EXIT_BAD);
}

static void help_explains_every_key_in_columns(void **state)
{
    (void)state;
    unsetenv("RR_T_PASSWORD"); /* help is for whoever has not set it yet */
    assert_int_equal(LOAD("--help"), RR_CONFIG_EXIT_OK);
    assert_non_null(
        strstr(printed, "test-svc: a program for tests\n\nUsage: test-svc [option …] run | status\n"));
    assert_non_null(strstr(printed,
                           "\n  --t-host=TEXT      RR_T_HOST      127.0.0.1  address\n"
                           "  --t-port=NUMBER    RR_T_PORT      8080       TCP port [1..65535]\n"
                           "  --t-password=TEXT  RR_T_PASSWORD  required   its password\n"
                           "  --t-note=TEXT      RR_T_NOTE      none       a note\n"
                           "  --t-queue=NUMBER   RR_T_QUEUE     0          queue [0..4294967295]\n"
                           "  --t-level=WORD     RR_T_LEVEL     info       what is logged [error | info]\n"));
}

static void version_is_told(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--version"), RR_CONFIG_EXIT_OK);
    assert_memory_equal(printed, "test-svc ", 9);
}

#define RULE(name) cmocka_unit_test_setup_teardown(name, set_environment, free_conf)
UNIT_MAIN(RULE(defaults_hold_where_nothing_is_set),
          RULE(the_environment_wins_over_the_default_and_an_option_over_both),
          RULE(the_last_of_several_options_wins), RULE(a_text_may_come_from_a_file_without_its_last_newline),
          RULE(an_option_wins_over_a_file), RULE(a_key_and_its_file_together_are_refused),
          RULE(a_file_that_cannot_be_read_is_named), RULE(numbers_do_not_come_from_files),
          RULE(a_number_is_whole_and_in_its_range), RULE(a_word_is_one_of_its_choices),
          RULE(what_is_required_is_named_when_missing_or_empty), RULE(every_wrong_setting_is_named_at_once),
          RULE(an_option_needs_its_value_and_its_whole_name),
          RULE(other_programs_keys_in_the_environment_are_no_error), RULE(words_are_moved_to_the_front),
          RULE(a_word_is_refused_where_none_are_taken), RULE(a_secret_is_never_printed),
          RULE(dump_config_prints_what_is_in_force), RULE(help_explains_every_key_in_columns),
          RULE(version_is_told))
