/* What reading and writing times by pattern have in common. Private to base. */
#ifndef BASE_TIME_PATTERN_H
#define BASE_TIME_PATTERN_H

#include "base/clock.h"

/* A civil time and what patterns can say about it besides. */
struct moment {
    struct civil c;
    int short_year; /* 0 to 99 */
    int half_hour;  /* 1 to 12 */
    int millis, quarter;
    int iso_year, iso_week, iso_day; /* Monday is 1 */
    int sunday_week, sunday_day;     /* weeks from the first Sunday on; Sunday is 0 */
};

/* A letter that stands for a number. max 0: only written. */
struct time_field {
    size_t offset;
    char letter, fill;
    signed char width; /* digits: at most when read, at least when written */
    int min, max;
};
/* NULL: the letter stands for none. */
ML_API const struct time_field *time_field_find(char letter);

ML_DATA const char *const time_month_names[12];
ML_DATA const char *const time_day_names[7];

#endif
