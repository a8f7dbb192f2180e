#include "unit.h"

#include "macros.h"
#include "text.h"

struct sample {
    const char *bytes;
    size_t len;
};
#define SAMPLE(s)                                                                                            \
    {                                                                                                        \
        s, sizeof(s) - 1                                                                                     \
    }

static void well_formed_text_is_valid(void **state)
{
    static const struct sample samples[] = {
        SAMPLE(""),
        SAMPLE("Room A-101"),
        SAMPLE("\xc2\xa0"),         /* U+00A0, the first after C1  */
        SAMPLE("\xdf\xbf"),         /* U+07FF, the last of 2 bytes  */
        SAMPLE("\xe0\xa0\x80"),     /* U+0800, the first of 3       */
        SAMPLE("\xed\x9f\xbf"),     /* U+D7FF, below the surrogates */
        SAMPLE("\xee\x80\x80"),     /* U+E000, above them           */
        SAMPLE("\xef\xbf\xbf"),     /* U+FFFF                       */
        SAMPLE("\xf0\x90\x80\x80"), /* U+10000, the first of 4      */
        SAMPLE("\xf4\x8f\xbf\xbf"), /* U+10FFFF, the last of all    */
        SAMPLE("회의실 🏠"),
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(samples); i++)
        assert_true(rr_text_valid(samples[i].bytes, samples[i].len));
}

static void malformed_utf8_is_not_valid(void **state)
{
    static const struct sample samples[] = {
        SAMPLE("\x80"),             /* a continuation alone   */
        SAMPLE("\xbf"),             /* likewise               */
        SAMPLE("\xc0\x80"),         /* overlong NUL           */
        SAMPLE("\xc1\xbf"),         /* overlong 7F            */
        SAMPLE("\xe0\x9f\xbf"),     /* overlong 07FF          */
        SAMPLE("\xf0\x8f\xbf\xbf"), /* overlong FFFF          */
        SAMPLE("\xed\xa0\x80"),     /* the first surrogate    */
        SAMPLE("\xed\xbf\xbf"),     /* the last               */
        SAMPLE("\xf4\x90\x80\x80"), /* U+110000               */
        SAMPLE("\xf5\x80\x80\x80"), /* no such first byte     */
        SAMPLE("\xfe"),             /* likewise               */
        SAMPLE("\xff"),             /* likewise               */
        SAMPLE("\xc2"),             /* cut                    */
        SAMPLE("\xe2\x82"),         /* cut                    */
        SAMPLE("\xf0\x9f\x8f"),     /* cut                    */
        SAMPLE("\xc2"
               "a"), /* no continuation        */
        SAMPLE("\xe2\x82"
               "a"),       /* no second continuation */
        SAMPLE("ok \xe9"), /* Latin-1                */
    };

    (void)state;
    for (size_t i = 0; i < RR_LEN(samples); i++)
        assert_false(rr_text_valid(samples[i].bytes, samples[i].len));
}

static void control_characters_are_not_valid(void **state)
{
    char text[] = "a?b", c1[] = "\xc2?";

    (void)state;
    for (int c = 0; c < 0x20; c++) {
        text[1] = (char)c;
        assert_false(rr_text_valid(text, 3));
    }
    assert_false(rr_text_valid("\x7f", 1));
    for (int c = 0x80; c < 0xa0; c++) {
        c1[1] = (char)c;
        assert_false(rr_text_valid(c1, 2));
    }
}

static void characters_are_code_points(void **state)
{
    (void)state;
    assert_int_equal(rr_text_chars("", 0), 0);
    assert_int_equal(rr_text_chars("abc", 3), 3);
    assert_int_equal(rr_text_chars("é€🏠", 9), 3);
}

static void base64url_has_the_vectors_of_rfc_4648_without_padding(void **state)
{
    static const char *const vectors[][2] = {
        {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
        {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
    char text[16], back[16];

    (void)state;
    for (size_t i = 0; i < RR_LEN(vectors); i++) {
        const char *plain = vectors[i][0], *encoded = vectors[i][1];

        rr_base64url_encode(plain, strlen(plain), text);
        assert_string_equal(text, encoded);
        assert_int_equal(rr_base64url_decode(encoded, strlen(encoded), back, sizeof(back)), strlen(plain));
        assert_memory_equal(back, plain, strlen(plain));
    }
}

static void base64url_takes_only_the_canonical_form(void **state)
{
    static const char *const texts[] = {"Z",    "Zg==", "Zh",   "Zm9",    "Zm9vZ",
                                        "Zm+v", "Zm/v", "Zm 9", "Zm9v\n", "Zm\xc3\xa9"};
    char out[16];

    (void)state;
    for (size_t i = 0; i < RR_LEN(texts); i++)
        assert_int_equal(rr_base64url_decode(texts[i], strlen(texts[i]), out, sizeof(out)), -1);
    assert_int_equal(rr_base64url_decode("Zm\0v", 4, out, sizeof(out)), -1);
}

static void base64url_never_writes_beyond_the_room_given(void **state)
{
    char out[3];

    (void)state;
    assert_int_equal(rr_base64url_decode("Zm9v", 4, out, 3), 3);
    assert_int_equal(rr_base64url_decode("Zm9v", 4, out, 2), -1);
    assert_int_equal(rr_base64url_decode("Zm9vYg", 6, out, 3), -1);
}

UNIT_MAIN(cmocka_unit_test(well_formed_text_is_valid), cmocka_unit_test(malformed_utf8_is_not_valid),
          cmocka_unit_test(control_characters_are_not_valid), cmocka_unit_test(characters_are_code_points),
          cmocka_unit_test(base64url_has_the_vectors_of_rfc_4648_without_padding),
          cmocka_unit_test(base64url_takes_only_the_canonical_form),
          cmocka_unit_test(base64url_never_writes_beyond_the_room_given))
