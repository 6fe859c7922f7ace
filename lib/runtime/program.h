/*
 * A row program: the raw fields of a row, as texts, to the numbers that a model wants. It is what
 * becomes of a fitted recipe: a list of operations on registers, run once for each row from the
 * first to the last; jumps go forward only.
 *
 * A register has one class for ever, which says what it holds and how a missing value looks. An
 * operation names the register or registers it writes (to) and up to three operands (a, b, c): what
 * each of them is says the signature of its code, a letter for each:
 *
 *     F I N B T X   a register of that class         * any register
 *     =             one of the class of `to`         ~ one of the class of a
 *     f i x         a list of registers of that class
 *     k             a constant                       K a range of constants
 *     Y             a range of numbers of texts, -1 for missing
 *     t             a text                           m a map of texts
 *     z             a time zone, or 0 for none: the first is 1
 *     j             a later operation, or the end    u a number, what for says the code
 *     -             nothing
 *
 * Everything lies in one piece of memory, aligned to 8 bytes, little-endian, with offsets instead
 * of addresses. A program that ml_program_check accepts reads and writes nothing outside of it, of
 * the fields and of its work, and ends, whatever it does.
 *
 * Any number of threads may run a program, each with work of its own.
 */
#ifndef RUNTIME_PROGRAM_H
#define RUNTIME_PROGRAM_H

#include "runtime/runtime.h"

#include <stdbool.h>

enum ml_class {
    ML_FLOAT,  /* F: a double; NaN is missing */
    ML_INT,    /* I: 64 bits; ML_INT_MISSING */
    ML_NUMBER, /* N: an integer or a double; missing is a double NaN */
    ML_BOOL,   /* B: 0, 1, ML_BOOL_MISSING */
    ML_TIME,   /* T: microseconds since 1970 in UTC; ML_INT_MISSING */
    ML_TEXT,   /* X: bytes; at NULL is missing */
    ML_CLASSES,
};
#define ML_CLASS_LETTERS "FINBTX"
#define ML_INT_MISSING   INT64_MIN
#define ML_BOOL_MISSING  2

struct ml_op {
    uint16_t code;  /* enum ml_code */
    uint16_t flags; /* what they mean says the code; ML_ELSE_MISSING: see below */
    uint32_t step;  /* of the recipe it came from, from 1; 0: none */
    uint32_t to, a, b, c;
};

/* Where the operation would refuse the row its register is missing instead. */
#define ML_ELSE_MISSING 0x8000

struct ml_range {
    uint32_t first, count; /* constants */
};

struct ml_bytes {
    uint64_t at;
    uint64_t len;
};

/* Keys are texts first .. first + keys - 1; a slot holds 0 or 1 + the number of a key. Open
 * addressing from hash_bytes(key, len, 0) on, a slot at least is empty. */
struct ml_map {
    uint32_t slots; /* a power of two */
    uint32_t keys, first;
    uint32_t slot; /* of the array of all maps' slots, the first of this one */
};

struct ml_zone {
    int32_t first_offset;
    uint32_t periodic;
    struct ml_range changes; /* pairs of integers: struct zone_change */
};

struct ml_field {
    uint32_t name; /* a text */
    uint32_t type; /* a text: "int", "float", "text", "bool", "time", "json" */
};

struct ml_array {
    uint64_t at; /* from the start of the program, a multiple of 8 */
    uint64_t count;
};

struct ml_program {
    char magic[8];
    uint64_t bytes;
    uint32_t version;
    uint32_t fields;   /* of a row: registers 0 .. fields - 1, texts */
    uint32_t features; /* results */
    uint32_t registers;
    uint64_t scratch;          /* bytes for the texts a row makes */
    uint64_t wide;             /* numbers of the longest two lists of a vector */
    struct ml_array class;     /* uint8_t, by register */
    struct ml_array op;        /* struct ml_op */
    struct ml_array result;    /* uint32_t, features: registers of class F */
    struct ml_array constant;  /* double or int64_t */
    struct ml_array range;     /* struct ml_range */
    struct ml_array list;      /* uint32_t: a count, then as many registers; then the next list */
    struct ml_array text;      /* struct ml_bytes */
    struct ml_array map;       /* struct ml_map */
    struct ml_array slot;      /* uint32_t, of all maps */
    struct ml_array zone;      /* struct ml_zone */
    struct ml_array field;     /* struct ml_field, fields */
    struct ml_array character; /* char: what texts are slices of */
};
#define ML_PROGRAM_MAGIC   "mlprog1"
#define ML_PROGRAM_VERSION 1

/* The texts that one row makes must fit here together: more, and the row is refused. */
#define ML_SCRATCH 65536

/* Why a row is refused. */
enum ml_why {
    ML_WHY_NUMBER = 1, /* not a number */
    ML_WHY_INTEGER,
    ML_WHY_BOOL,
    ML_WHY_TIME,
    ML_WHY_ZONE,    /* a clock time without an offset, and no zone was declared */
    ML_WHY_DOMAIN,  /* outside of the function's domain, or no finite value */
    ML_WHY_RANGE,   /* an integer beyond 64 bits, a time beyond the years 1 to 9999 */
    ML_WHY_ZERO,    /* divides by zero */
    ML_WHY_UNKNOWN, /* a category that was not there when the step was fitted */
    ML_WHY_MISSING, /* the cell is missing and must not be */
    ML_WHY_LONG,    /* the texts of the row take more than `scratch` bytes */
    ML_WHY_WRONG,   /* what the step checks does not hold */
    ML_WHY_COUNT,
};

struct ml_why_not {
    const char *text; /* "is not a number" */
    uint32_t step;    /* of the recipe, from 1; 0: none, it is the model's feature */
    uint32_t field;   /* the raw field it is about, from 1; 0: not known */
};

/* 0, or a negative number when the bytes are not a program: what one from a file must pass. */
ML_API int ml_program_check(const void *program, uint64_t bytes);
/* Bytes of work, aligned to 8. */
ML_API size_t ml_program_work(const struct ml_program *p);
/* features[0 .. p->features) of one row. 0, or -ML_WHY_... when the row is refused. */
ML_API int ml_program_run(const struct ml_program *p, const struct ml_text *fields, void *work,
                          double *features);
/* After a run that refused the row with `status`. */
ML_API struct ml_why_not ml_program_why(const struct ml_program *p, const void *work, int status);
/* Name and type of a field: borrow from p. */
ML_API struct ml_text ml_program_field(const struct ml_program *p, uint32_t field);
ML_API struct ml_text ml_program_type(const struct ml_program *p, uint32_t field);
/* Of a code below ML_OP_COUNT. */
ML_API const char *ml_signature(unsigned code);

/* What the operations compute, by number. */
enum { ML_ELSE_UTC = 1, ML_ALL_LOCAL = 2 }; /* flags of time_of_text, time_of_pattern */
enum ml_part {
    ML_YEAR,
    ML_SEMESTER,
    ML_QUARTER,
    ML_MONTH,
    ML_WEEK, /* counted from January 1st */
    ML_ISO_WEEK,
    ML_DAY,
    ML_WEEKDAY,
    ML_YEARDAY,
    ML_DAYS_IN_MONTH,
    ML_HOUR,
    ML_MINUTE,
    ML_SECOND,
    ML_MILLIS,
    ML_WEEKEND, /* 0 or 1 from here on */
    ML_MONTH_START,
    ML_MONTH_END,
    ML_QUARTER_START,
    ML_QUARTER_END,
    ML_YEAR_START,
    ML_YEAR_END,
    ML_LEAP_YEAR,
    ML_EPOCH_DAY, /* since 1970 */
};
enum ml_labels { ML_LABELS_IGNORE, ML_LABELS_REFUSE, ML_LABELS_LAST, ML_LABELS_MISSING };
enum ml_time_to { ML_LATER, ML_CUT, ML_NEAREST, ML_START };
enum { ML_LEAST = 1023, ML_ONCE = 1024 }; /* flags of word_counts */
enum { ML_FINITE = 1, ML_STRICT = 2 };    /* flags of add, sub, mul, div and arithmetic */
enum ml_arithmetic { ML_ADD, ML_SUB, ML_MUL, ML_DIV, ML_IDIV, ML_MOD, ML_POW };
enum ml_single { ML_NEG, ML_ABS, ML_FLOOR, ML_CEIL, ML_TRUNC, ML_ROUND };
enum ml_whole { ML_BAND, ML_BOR, ML_BXOR, ML_SHL, ML_SHR, ML_GCD, ML_LCM };
enum ml_whole_single { ML_BNOT, ML_POPCOUNT, ML_FACTORIAL };
/* The operations: name, signature. Flags and numbers are explained where an operation is carried
 * out, beside its function ml_op_NAME. */
#define ML_OPS(OP)                                                                                 \
    /* program_flow.c */                                                                           \
    OP(move, "*=--")                                                                               \
    OP(missing, "*---")                                                                            \
    OP(set_float, "Fk--")                                                                          \
    OP(set_int, "Ik--")                                                                            \
    OP(set_whole, "Nk--")                                                                          \
    OP(set_real, "Nk--")                                                                           \
    OP(set_bool, "Bu--")                                                                           \
    OP(set_time, "Tk--")                                                                           \
    OP(set_text, "Xt--")                                                                           \
    OP(jump, "---j")                                                                               \
    OP(jump_is, "-Buj")                                                                            \
    OP(jump_not, "-Buj")                                                                           \
    OP(jump_has, "-*-j")                                                                           \
    OP(refuse, "-u--")                                                                             \
    OP(want, "-Bu-")                                                                               \
    OP(is_missing, "B*u-")                                                                         \
    OP(count_missing, "II*-")                                                                      \
    OP(not, "BB--")                                                                                \
    OP(xor, "BBB-")                                                                                \
    OP(kleene, "BBBu")                                                                             \
    /* program_convert.c */                                                                        \
    OP(float_of_text, "FX--")                                                                      \
    OP(answer_of_text, "FX--")                                                                     \
    OP(answer_of_float, "FF--")                                                                    \
    OP(answer_of_time, "FT--")                                                                     \
    OP(float_of_int, "FI--")                                                                       \
    OP(float_of_number, "FN--")                                                                    \
    OP(float_of_bool, "FB--")                                                                      \
    OP(float_of_time, "FT--")                                                                      \
    OP(number_of_text, "NXu-")                                                                     \
    OP(number_of_int, "NI--")                                                                      \
    OP(number_of_float, "NF--")                                                                    \
    OP(number_of_bool, "NB--")                                                                     \
    OP(int_of_text, "IX--")                                                                        \
    OP(int_of_number, "IN--")                                                                      \
    OP(int_of_bool, "IB--")                                                                        \
    OP(int_of_float, "IF--")                                                                       \
    OP(int_cut, "IN--")                                                                            \
    OP(bool_of_text, "BXu-")                                                                       \
    OP(bool_of_number, "BN--")                                                                     \
    OP(time_of_text, "TXz-")                                                                       \
    OP(text_of_float, "XF--")                                                                      \
    OP(text_of_int, "XI--")                                                                        \
    OP(text_of_number, "XN--")                                                                     \
    OP(text_of_bool, "XB--")                                                                       \
    OP(text_of_time, "XT--")                                                                       \
    /* program_number.c */                                                                         \
    OP(add, "FFF-")                                                                                \
    OP(sub, "FFF-")                                                                                \
    OP(mul, "FFF-")                                                                                \
    OP(div, "FFF-")                                                                                \
    OP(arithmetic, "FFFu")                                                                         \
    OP(arithmetic_mixed, "NNNu")                                                                   \
    OP(affine, "FFK-")                                                                             \
    OP(fill_float, "FFk-")                                                                         \
    OP(fill_float_from, "FFF-")                                                                    \
    OP(first_float, "FFF-")                                                                        \
    OP(real, "FFu-")                                                                               \
    OP(real2, "FFFu")                                                                              \
    OP(map, "FFKu")                                                                                \
    OP(single, "NNu-")                                                                             \
    OP(sign, "IN--")                                                                               \
    OP(round_to, "NNI-")                                                                           \
    OP(fma, "FFFF")                                                                                \
    OP(whole, "IIIu")                                                                              \
    OP(whole_single, "IIu-")                                                                       \
    OP(compare_float, "BFFu")                                                                      \
    OP(compare, "B*~u")                                                                            \
    OP(extreme, "*==u")                                                                            \
    OP(clamp, "NNNN")                                                                              \
    OP(beyond, "BFK-")                                                                             \
    OP(curve, "FFKu")                                                                              \
    OP(vector, "ffKu")                                                                             \
    OP(float_is, "BFu-")                                                                           \
    OP(in_numbers, "BFKu")                                                                         \
    /* program_time.c */                                                                           \
    OP(seconds_between, "NTT-")                                                                    \
    OP(time_shift, "TTNu")                                                                         \
    OP(time_plus, "TTI-")                                                                          \
    OP(time_of_pattern, "TXzt")                                                                    \
    OP(format_time, "XTzt")                                                                        \
    OP(text_of_date, "XT--")                                                                       \
    OP(text_of_local, "XTz-")                                                                      \
    OP(local, "TTz-")                                                                              \
    OP(part, "ITu-")                                                                               \
    OP(time_later, "TTIK")                                                                         \
    OP(time_to, "TTzK")                                                                            \
    OP(whole_between, "ITTK")                                                                      \
    OP(span_between, "FTTk")                                                                       \
    OP(age, "ITT-")                                                                                \
    OP(epoch, "ITk-")                                                                              \
    OP(time_of_epoch, "TFk-")                                                                      \
    OP(time_of_parts, "Tiz-")                                                                      \
    OP(in_ints, "BIK-")                                                                            \
    OP(workdays, "IIIK")                                                                           \
    /* program_text.c */                                                                           \
    OP(text_length, "IXu-")                                                                        \
    OP(text_piece, "XXII")                                                                         \
    OP(text_slice, "XXK-")                                                                         \
    OP(text_between, "XXtt")                                                                       \
    OP(replace_slice, "XXXt")                                                                      \
    OP(text_has, "BXXu")                                                                           \
    OP(hash_mod, "IXII")                                                                           \
    OP(text_find, "IXXu")                                                                          \
    OP(concat, "XxXu")                                                                             \
    OP(replace, "XXXX")                                                                            \
    OP(split_part, "XXXI")                                                                         \
    OP(trim, "XXKu")                                                                               \
    OP(squeeze, "XXKu")                                                                            \
    OP(map_characters, "XXKY")                                                                     \
    OP(pad, "XXKt")                                                                                \
    OP(fill_to, "XXIX")                                                                            \
    OP(first_character, "IX--")                                                                    \
    /* program_table.c */                                                                          \
    OP(first_text, "XXX-")                                                                         \
    OP(fill_text, "XXt-")                                                                          \
    OP(blank_known, "XXmu")                                                                        \
    OP(in_texts, "BXmu")                                                                           \
    OP(place, "IXmK")                                                                              \
    OP(code, "FXm-")                                                                               \
    OP(look_float, "FIK-")                                                                         \
    OP(look_int, "IIK-")                                                                           \
    OP(look_text, "XIY-")                                                                          \
    OP(map_text, "XXmY")                                                                           \
    /* program_words.c */                                                                          \
    OP(count_characters, "IXKu")                                                                   \
    OP(all_characters, "BXK-")                                                                     \
    OP(cased, "BXKK")                                                                              \
    OP(word_counts, "fXKm")                                                                        \
    OP(hash_words, "fXKu")                                                                         \
    OP(drop_words, "XxKm")                                                                         \
    OP(stem_words, "XxK-")                                                                         \
    OP(title, "XxKY")                                                                              \
    OP(join_jamo, "XX--")                                                                          \
    /* program_json.c */                                                                           \
    OP(json_members, "xX-m")                                                                       \
    OP(json_items, "xXu-")                                                                         \
    /* program_markup.c */                                                                         \
    OP(strip_markup, "XX--")                                                                       \
    OP(unread, "XX--")                                                                             \
    OP(expand_contractions, "XX--")                                                                \
    /* program_form.c */                                                                           \
    OP(has_form, "BXu-")                                                                           \
    /* program_category.c */                                                                       \
    OP(hash_counts, "ix--")                                                                        \
    OP(minhash, "fXu-")                                                                            \
    OP(similarity, "fXYu")                                                                         \
    OP(labels, "iXmt")                                                                             \
    OP(join_key, "Xx--")                                                                           \
    /* program_geo.c */                                                                            \
    OP(haversine, "FfK-")                                                                          \
    OP(in_box, "BFFK")                                                                             \
    OP(geohash, "XFFu")                                                                            \
    OP(tile, "XFFk")                                                                               \
    /* program_table.c */                                                                          \
    OP(onehot, "iIKu")                                                                             \
    OP(bin, "IFKu")

#define ML_CODE(name, signature) ML_OP_##name,
enum ml_code { ML_OPS(ML_CODE) ML_OP_COUNT };
#undef ML_CODE

#endif
